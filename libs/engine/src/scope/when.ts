import { evaluateWhen } from '#libs/expressions';

/** Whether a step or task runs; no condition means yes. Throws ExpressionError with Argo's message. */
export const isWanted = (when: string | undefined): boolean => when === undefined || when === '' || evaluateWhen(when);
