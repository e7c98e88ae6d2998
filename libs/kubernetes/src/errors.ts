import {
  AlreadyExistsError,
  GrpcCode,
  InvalidArgumentError,
  NotFoundError,
  PermissionDeniedError,
  TransientError,
  UserError,
} from '#libs/workflow-spec';

/** What the API server said: its Status object, as far as it matters. */
export interface ServerSaid {
  /** 0 where no answer came. */
  httpStatus: number;
  /** Kubernetes' word for it (`NotFound`, `AlreadyExists`, `Conflict` …); '' where there is none. */
  reason: string;
  message: string;
  /** After which time the same request may be sent again, in milliseconds; undefined where the server named none. */
  retryAfterMs?: number;
}

/** No such object or kind (404). */
export class KubernetesNotFoundError extends NotFoundError {
  constructor(readonly said: ServerSaid) {
    super(said.message);
  }
}

/** An object of this name is there already (409, AlreadyExists). */
export class KubernetesExistsError extends AlreadyExistsError {
  constructor(readonly said: ServerSaid) {
    super(said.message);
  }
}

/** The object is not the one that the caller meant: its version or its UID is another (409), or another owner holds a field of an applied patch. */
export class KubernetesConflictError extends UserError {
  constructor(readonly said: ServerSaid) {
    super(said.message, { grpcCode: GrpcCode.Aborted });
  }
}

/** A version or a page that the server no longer knows (410): list again. */
export class KubernetesExpiredError extends UserError {
  constructor(readonly said: ServerSaid) {
    super(said.message, { grpcCode: GrpcCode.OutOfRange });
  }
}

/** The server refuses the object or the request (400, 413, 415, 422); the same request will be refused again. */
export class KubernetesInvalidError extends InvalidArgumentError {
  constructor(readonly said: ServerSaid) {
    super(said.message);
  }
}

/** The credential lacks this right, or an admission rule or a quota forbids it (403). */
export class KubernetesForbiddenError extends PermissionDeniedError {
  constructor(readonly said: ServerSaid) {
    super(said.message);
  }
}

/** The server is away, busy (429), not itself (5xx), or does not accept the credential at this moment (401): later again. */
export class KubernetesUnavailableError extends TransientError {
  constructor(
    readonly said: ServerSaid,
    options: { cause?: unknown } = {},
  ) {
    super(said.message, options);
  }

  /** Undefined where the server named no time. */
  get retryAfterMs(): number | undefined {
    return this.said.retryAfterMs;
  }
}

const REFUSED = new Set([400, 405, 406, 413, 415, 422]);

/** The error of an answer, by its status and reason and never by its text. */
export const errorOfAnswer = (said: ServerSaid): Error => {
  const { httpStatus, reason } = said;
  if (httpStatus === 404) return new KubernetesNotFoundError(said);
  if (httpStatus === 409) return reason === 'AlreadyExists' ? new KubernetesExistsError(said) : new KubernetesConflictError(said);
  if (httpStatus === 410) return new KubernetesExpiredError(said);
  if (httpStatus === 403) return new KubernetesForbiddenError(said);
  if (REFUSED.has(httpStatus)) return new KubernetesInvalidError(said);
  return new KubernetesUnavailableError(said);
};
