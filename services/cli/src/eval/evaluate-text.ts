import { evaluateExpression, evaluateWhen, ExpressionError, goFormatValue, substituteString } from '#libs/expressions';
import { UserError } from '#libs/workflow-spec';

/** Names and values as `-p` gives them; every value is text, as in a workflow. */
export type Variables = Readonly<Record<string, string>>;

/** `steps.a.outputs.result=x` texts. Throws UserError for one without a name. */
export const variablesOf = (pairs: readonly string[]): Variables =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at <= 0) throw new UserError(`-p takes name=value, not ${pair}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );

const asUserError = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw error instanceof ExpressionError ? new UserError(error.message, { cause: error }) : error;
  }
};

const substituted = (text: string, variables: Variables, nowMs: number): string =>
  substituteString(text, variables, { unresolved: 'error', nowMs });

/** Text with its tags replaced; text without a tag is an expression, its value as Go prints it. Throws UserError with Argo's words. */
export const evaluateText = (text: string, variables: Variables, nowMs: number): string =>
  asUserError(() =>
    text.includes('{{') ? substituted(text, variables, nowMs) : goFormatValue(evaluateExpression(text, variables, nowMs)),
  );

/** Whether a `when` holds, its tags replaced first. Throws UserError with Argo's words. */
export const evaluateCondition = (text: string, variables: Variables, nowMs: number): boolean =>
  asUserError(() => evaluateWhen(substituted(text, variables, nowMs)));
