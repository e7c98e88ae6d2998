/** Which step of the work failed; the same words as the recorded cases use. */
export type ExpressionStage = 'parse' | 'compile' | 'run' | 'bool' | 'replace' | 'format';

/**
 * The one error that parsing and evaluating anything in this library throws. `message` is what Argo writes into a
 * node's message, with position and snippet where the original gives one.
 */
export class ExpressionError extends Error {
  override readonly name: string = 'ExpressionError';
  readonly stage: ExpressionStage;

  constructor(message: string, stage: ExpressionStage = 'run') {
    super(message);
    this.stage = stage;
  }
}

/** A `{{tag}}` that must resolve in this pass and did not (`failed to resolve {{…}}`); Argo tries the node again later. */
export class UnresolvedTagError extends ExpressionError {
  override readonly name = 'UnresolvedTagError';
  readonly tag: string;

  constructor(tag: string, message = `failed to resolve {{${tag}}}`) {
    super(message, 'replace');
    this.tag = tag;
  }
}

/** A `{{tag}}` that names the output of a producer that was skipped: known, but without a value. */
export class AbsentOptionalError extends ExpressionError {
  override readonly name = 'AbsentOptionalError';
  readonly tag: string;

  constructor(
    tag: string,
    message = `unable to substitute {{${tag}}}: output is an absent optional (skipped/omitted node with no default)`,
  ) {
    super(message, 'replace');
    this.tag = tag;
  }
}
