/** A program's handlers and the jobs that it claims do not match; it must not start. */
export class HandlerBindingError extends Error {
  override readonly name = 'HandlerBindingError';

  constructor(readonly problems: readonly string[]) {
    super(`job handlers do not match the catalogue: ${problems.join('; ')}`);
  }
}
