/** Facts that accompany a message; by convention `workflow`, `namespace` and `node` name what it is about. */
export type LogFields = Record<string, unknown>;

/** The logging port that programs inject. Messages are constant text; what varies goes into the fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every message. */
  child(fields: LogFields): Logger;
}

/** Nest token of the program's Logger. */
export const LOGGER = Symbol('Logger');
