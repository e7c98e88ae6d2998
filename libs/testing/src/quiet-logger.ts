interface QuietLogger {
  debug(): void;
  info(): void;
  warn(): void;
  error(): void;
  child(): QuietLogger;
}

/** A logger that says nothing; fits every library's small logger interface. */
export const quietLogger: QuietLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quietLogger,
};
