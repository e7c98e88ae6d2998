/** Every gRPC code with the HTTP status that Argo's gateway gives it (grpc-gateway v1 runtime/errors.go). */
export const HTTP_STATUS_OF_CODE: Readonly<Record<number, number>> = {
  1: 408,
  2: 500,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  11: 400,
  12: 501,
  13: 500,
  14: 503,
  15: 500,
  16: 401,
};

interface ApiErrorOptions {
  /** Overrides the status that belongs to the code, where plain HTTP has a better word (413, 415). */
  httpStatus?: number;
  cause?: unknown;
}

/** An answer that the API gives on purpose: its message is shown to the caller, `code` is the gRPC code. */
export class ApiError extends Error {
  readonly code: number;
  readonly httpStatus: number;

  constructor(code: number, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ApiError';
    this.code = code;
    this.httpStatus = options.httpStatus ?? HTTP_STATUS_OF_CODE[code] ?? 500;
  }
}

/** Part of Argo's API that this version does not serve; the message names the feature. */
export class NotServedError extends ApiError {
  constructor(feature: string) {
    super(12, `${feature} not supported yet`);
    this.name = 'NotServedError';
  }
}

/** Kubernetes' words for a missing object. */
export const notFound = (plural: string, name: string): ApiError => new ApiError(5, `${plural}.argoproj.io "${name}" not found`);

/** Kubernetes' words for a name that is taken. */
export const alreadyExists = (plural: string, name: string): ApiError =>
  new ApiError(6, `${plural}.argoproj.io "${name}" already exists`);

/** The program's own configuration makes it unsafe or impossible to start. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
}
