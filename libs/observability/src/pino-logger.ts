import { type DestinationStream, pino, type Logger as Pino } from 'pino';

import { type LogFields, type Logger } from './logger.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerOptions {
  /** Name of the program, in every line. */
  readonly program: string;
  readonly level: LogLevel;
  /** `json`: one object per line. `text`: one short line for people. */
  readonly format: 'json' | 'text';
  /** Where lines go; standard error where absent, so that a command's output stays clean. */
  readonly write?: (line: string) => void;
}

/** Field names whose values never appear in a log, at the top or one level down. */
const SECRET_NAMES = ['password', 'token', 'authorization', 'secret', 'secretKey', 'accessKey', 'credentials', 'cookie'];
const redactedPaths = SECRET_NAMES.flatMap((name) => [name, `*.${name}`]);

class PinoLogger implements Logger {
  constructor(private readonly pino: Pino) {}

  debug(message: string, fields: LogFields = {}): void {
    this.pino.debug(fields, message);
  }

  info(message: string, fields: LogFields = {}): void {
    this.pino.info(fields, message);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.pino.warn(fields, message);
  }

  error(message: string, fields: LogFields = {}): void {
    this.pino.error(fields, message);
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.pino.child(fields));
  }
}

/** Makes a program's logger. Secrets by the usual names are masked; errors among the fields are written with their stack. */
export function createLogger(options: LoggerOptions): Logger {
  const { program, level, format, write = (line: string) => void process.stderr.write(line) } = options;
  const destination: DestinationStream = { write: format === 'json' ? write : (line) => write(shortLine(line)) };
  const settings = {
    level,
    base: { program },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: redactedPaths, censor: '[secret]' },
    serializers: { error: (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : error) },
  };
  return new PinoLogger(pino(settings, destination));
}

/** `12:00:00.000 warn  scheduler message key=value` */
function shortLine(line: string): string {
  const { time, level, program, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const pairs = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${[String(time).slice(11, 23), String(level).padEnd(5), String(program), String(msg), ...pairs].join(' ')}\n`;
}
