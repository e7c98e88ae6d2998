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

/** The command was used wrongly: a flag or an argument that it cannot take. */
export class UsageError extends UserError {}

/** No server answered at the address. */
export class ServerAwayError extends UserError {}
