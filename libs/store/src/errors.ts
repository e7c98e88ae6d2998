import { AlreadyExistsError, PermanentError, TransientError } from '#libs/workflow-spec';

/** Postgres cannot be reached, is starting or stopping, or broke off; also a COMMIT whose outcome is unknown. The same call may be made again. */
export class StoreUnavailableError extends TransientError {
  /** It is there and does not let this account in (password, rules for clients, no such database): waiting alone may not help. */
  readonly isRefusal: boolean;

  constructor(message: string, { isRefusal = false, ...options }: { cause?: unknown; isRefusal?: boolean } = {}) {
    super(message, options);
    this.isRefusal = isRefusal;
  }
}

/** Two transactions were in each other's way (deadlock, serialization failure, lock or statement timeout). The same call may be made again. */
export class StoreBusyError extends TransientError {}

/** Postgres refuses what was asked and will again (a wrong statement, a full type, a missing right). `sqlState` is its code. */
export class StoreStatementError extends PermanentError {
  constructor(
    message: string,
    readonly sqlState: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

/** The database holds a schema that this version cannot use; an operator has to act. */
export class StoreSchemaError extends PermanentError {}

/** The embedded Postgres cannot be started here; the message says what is missing. */
export class EmbeddedPostgresError extends PermanentError {}

/** A workflow of this name is there already; worded as Kubernetes words it. */
export class WorkflowExistsError extends AlreadyExistsError {
  constructor(
    readonly namespace: string,
    readonly workflowName: string,
  ) {
    super(`workflows.argoproj.io "${workflowName}" already exists`);
  }
}

/** A stored value cannot be read back (damaged or written by a newer version). */
export class StoreCorruptError extends PermanentError {}
