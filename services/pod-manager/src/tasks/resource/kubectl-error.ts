import type { ServerSaid } from '#libs/kubernetes';
import { GrpcCode, UserError } from '#libs/workflow-spec';

/** What kubectl would have written before it ended with an error; the step fails with it. */
export class KubectlError extends UserError {}

/** A condition of the template that ended the wait; the step fails with it. */
export class ConditionError extends UserError {}

const REASONS: Readonly<Partial<Record<GrpcCode, string>>> = {
  [GrpcCode.InvalidArgument]: 'BadRequest',
  [GrpcCode.NotFound]: 'NotFound',
  [GrpcCode.AlreadyExists]: 'AlreadyExists',
  [GrpcCode.Aborted]: 'Conflict',
  [GrpcCode.PermissionDenied]: 'Forbidden',
  [GrpcCode.FailedPrecondition]: 'Invalid',
};

/** The error of a store or of a cluster in the words of kubectl; `doing` is what kubectl says it was at (`error when creating "/tmp/manifest.yaml": `). */
export const asKubectlError = (error: unknown, doing = ''): unknown => {
  if (!(error instanceof UserError) || error instanceof KubectlError) return error;
  const said = (error as { said?: ServerSaid }).said;
  // What an object's rules refuse kubectl tells with its kind in front and without group or file.
  if (said?.reason === 'Invalid')
    return new KubectlError(`The ${error.message.replace(/^(\w+)\.\S+ "/, '$1 "')}`, { cause: error });
  const reason = said?.reason || (REASONS[error.grpcCode] ?? 'InternalError');
  return new KubectlError(`Error from server (${reason}): ${doing}${error.message}`, { cause: error });
};
