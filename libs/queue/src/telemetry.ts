/** The logging that the queue needs; the program passes its own logger. */
export interface QueueLogger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** How one run of a handler ended; the word is the metric's label. */
export const RunOutcome = {
  Done: 'done',
  UserError: 'user_error',
  Transient: 'transient',
  Permanent: 'permanent',
  Bug: 'bug',
} as const;
export type RunOutcome = (typeof RunOutcome)[keyof typeof RunOutcome];

/** What the queue tells the program's metrics. All of it is counting; nothing here may throw or wait. */
export interface QueueTelemetry {
  /** Rows were woken by this process. */
  woken(queue: string, rows: number): void;
  /** A handler ran for `durationMs`. */
  ran(queue: string, outcome: RunOutcome, durationMs: number): void;
  /** A hint was not delivered (queue away and buffer full, or refused); the sweeper makes it again. */
  hintDropped(queue: string, reason: string): void;
  /** A copy of a hint found that its work was done already. */
  hintSkipped(queue: string): void;
  /** A worker that was dead or silent was replaced. */
  workerReplaced(queue: string, reason: string): void;
  /** A sweep woke `rows` overdue rows. */
  swept(queue: string, rows: number): void;
}

/** Counts nothing: for tests and tools. */
export const silentTelemetry: QueueTelemetry = {
  woken: () => undefined,
  ran: () => undefined,
  hintDropped: () => undefined,
  hintSkipped: () => undefined,
  workerReplaced: () => undefined,
  swept: () => undefined,
};

/** Logs nothing: for tests and tools. */
export const silentLogger: QueueLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
