/** The command line or the pod's description is not what the executor takes; the message says which part. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
