import { substituteJson, substituteString } from '#libs/expressions';
import type { TemplateInvocation } from '#libs/workflow-spec';
import { resolveArguments } from '../outputs/artifact-arguments.js';
import { withAbsentArguments } from '../scope/absent-arguments.js';
import type { TemplateScope } from '../scope/steps-scope.js';
import { isWanted } from '../scope/when.js';
import { isLoop } from './expand.js';

/**
 * A step or task with its references resolved: its condition first, and where that is false the rest is left as written. A condition
 * that cannot be told before the loop is expanded counts as true. Hooks may name the step itself and stay as written. Throws ExpressionError or ExecutionError with Argo's message.
 */
export const resolveInvocation = <T extends TemplateInvocation>(written: T, scope: TemplateScope, nowMs: number): T => {
  const options = { strictPrefixes: ['steps', 'tasks'], nowMs };
  const when = written.when === undefined ? undefined : substituteString(written.when, scope.variables, options);
  try {
    if (!isWanted(when)) return { ...written, when };
  } catch (error) {
    if (!isLoop(written)) throw error;
  }
  const { hooks, ...body }: TemplateInvocation = written;
  const filled = substituteJson(withAbsentArguments(body, scope.variables), scope.variables, options);
  return { ...resolveArguments(filled, scope), ...(hooks === undefined ? {} : { hooks }) } as T;
};
