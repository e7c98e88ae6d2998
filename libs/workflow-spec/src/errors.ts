/** gRPC codes that Argo's API answers with; the server maps them to HTTP statuses. */
export const GrpcCode = {
  InvalidArgument: 3,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  Unauthenticated: 16,
} as const;
export type GrpcCode = (typeof GrpcCode)[keyof typeof GrpcCode];

interface ErrorOptions {
  cause?: unknown;
}

/** The user's spec, request or code is at fault: its message is shown to the user, nothing is retried. `grpcCode` is what the API answers. */
export class UserError extends Error {
  readonly grpcCode: GrpcCode;

  constructor(message: string, options: ErrorOptions & { grpcCode?: GrpcCode } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.grpcCode = options.grpcCode ?? GrpcCode.InvalidArgument;
  }
}

/** Infrastructure is away or busy: the same work is done again later with backoff, and no workflow fails by it. */
export class TransientError extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
  }
}

/** Repeating cannot help and no user is at fault (a corrupt row, a refused credential): no retry, alert an operator. */
export class PermanentError extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
  }
}

/** The request or the object is malformed (gRPC 3, HTTP 400). */
export class InvalidArgumentError extends UserError {}

/** The named thing does not exist (gRPC 5, HTTP 404). */
export class NotFoundError extends UserError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, grpcCode: GrpcCode.NotFound });
  }
}

/** A thing of this name exists already (gRPC 6, HTTP 409). */
export class AlreadyExistsError extends UserError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, grpcCode: GrpcCode.AlreadyExists });
  }
}

/** The caller is known but may not do this (gRPC 7, HTTP 403). */
export class PermissionDeniedError extends UserError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, grpcCode: GrpcCode.PermissionDenied });
  }
}

/** The thing exists but is not in a state that allows this (gRPC 9, HTTP 400). */
export class FailedPreconditionError extends UserError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, grpcCode: GrpcCode.FailedPrecondition });
  }
}

/** Argo's API answers some user errors as internal ones (gRPC 13, HTTP 500), linting above all. */
export class InternalApiError extends UserError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, grpcCode: GrpcCode.Internal });
  }
}

/** The caller gave no acceptable credential (gRPC 16, HTTP 401). */
export class UnauthenticatedError extends UserError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, grpcCode: GrpcCode.Unauthenticated });
  }
}

/** A text is not YAML or JSON, or is larger, deeper or more expanded than allowed. `line` and `column` count from 1, `document` too. */
export class ManifestSyntaxError extends UserError {
  readonly document: number;
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(message: string, place: { document: number; line?: number; column?: number }) {
    const position = place.line === undefined ? '' : `, line ${place.line}, column ${place.column ?? 1}`;
    super(`document ${place.document}${position}: ${message}`);
    this.document = place.document;
    this.line = place.line;
    this.column = place.column;
  }
}

/** An object does not have the shape of its kind. `path` names the place, `issues` holds one line per problem. */
export class DecodeError extends UserError {
  readonly issues: readonly string[];

  constructor(issues: readonly string[]) {
    super(issues.join('; '));
    this.issues = issues;
  }
}

/** The spec is refused by Argo's validation; the message is Argo's (`templates.main inputs.parameters.x was not supplied`). */
export class WorkflowInvalidError extends UserError {}

/** A field of Argo's language that this version does not run yet; refused by name and never ignored. */
export class NotSupportedError extends UserError {}

/** `workflow-controller-configmap` cannot be read; `issues` holds one line per problem, each beginning with its key. */
export class ControllerConfigError extends UserError {
  readonly issues: readonly string[];

  constructor(issues: readonly string[]) {
    super(`the controller's configuration is not valid: ${issues.join('; ')}`);
    this.issues = issues;
  }
}
