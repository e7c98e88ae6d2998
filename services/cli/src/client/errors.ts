import { UserError } from '#libs/workflow-spec';

/** The server refused: its own message, gRPC code and HTTP status. */
export class ApiClientError extends UserError {
  constructor(
    message: string,
    readonly httpStatus: number,
    readonly code: number,
  ) {
    super(message);
  }
}

/** No server answered at the address. */
export class ServerAwayError extends UserError {}
