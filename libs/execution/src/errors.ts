import { UserError } from '#libs/workflow-spec';

/** An input could not be brought into the pod; the message is the one that Argo's init container leaves. */
export class StagingError extends UserError {
  constructor(reason: string, options: { cause?: unknown } = {}) {
    super(`init: Error (exit code 64): ${reason}`, options);
  }
}

/** An output is missing or cannot be read or saved; collected into the capture's `error`. */
export class OutputError extends UserError {}

/** A jq program that does not parse (`parse`), names what does not exist (`compile`), fails on its input (`run`) or takes too long (`timeout`). The message is jq's own where it has one. */
export class JqError extends UserError {
  constructor(
    message: string,
    readonly stage: 'parse' | 'compile' | 'run' | 'timeout',
  ) {
    super(message);
  }
}
