import { ExpressionError } from '#libs/expressions';
import { JqError } from '#libs/execution';
import { PatchError } from '#libs/pod-spec';
import { QuantityError, UserError } from '#libs/workflow-spec';
import { CASE_KINDS, type CaseInput } from './case-kinds.js';

/** A case as a line of a file has it. */
export interface EvalCase {
  id: string;
  kind: string;
  in: CaseInput;
}

/** What came of it; `stage` says which step of the work failed. */
export type EvalAnswer = { id: string; ok: true; result: object } | { id: string; ok: false; stage: string; error: string };

const stageOf = (error: unknown): string | undefined => {
  if (error instanceof ExpressionError || error instanceof JqError || error instanceof PatchError) return error.stage;
  if (error instanceof QuantityError) return 'parse';
  return error instanceof UserError ? 'run' : undefined;
};

/** Evaluates one case. Never throws for what the case says; an unknown kind is an answer of the stage `kind`. */
export const answerCase = async ({ id, kind, in: input }: EvalCase, nowMs: number): Promise<EvalAnswer> => {
  const known = Object.hasOwn(CASE_KINDS, kind) ? CASE_KINDS[kind] : undefined;
  if (!known) {
    const error = `there is no kind ${kind}; there are ${Object.keys(CASE_KINDS).join(', ')}`;
    return { id, ok: false, stage: 'kind', error };
  }
  try {
    return { id, ok: true, result: await known.evaluate(input, nowMs) };
  } catch (error) {
    const stage = stageOf(error);
    if (stage === undefined) throw error;
    return { id, ok: false, stage: known.stage ?? stage, error: (error as Error).message };
  }
};
