import type { Scope } from '#libs/expressions';
import type { Parameter, TemplateInvocation } from '#libs/workflow-spec';
import { ABSENT_OPTIONAL } from './absent-optional.js';

const PURE_TAG = /^\{\{\s*([^{}=][^{}]*?)\s*\}\}$/;

const isAbsent = (parameter: Parameter, scope: Scope): boolean => {
  const tag = PURE_TAG.exec(parameter.value ?? '')?.[1];
  return tag !== undefined && scope.get(tag) === null;
};

/** Marks arguments that are nothing but a tag without a value, so that the called template can fall back to its default. */
export const withAbsentArguments = (invocation: TemplateInvocation, scope: Scope): TemplateInvocation => {
  const parameters = invocation.arguments?.parameters;
  if (parameters === undefined || !parameters.some((parameter) => isAbsent(parameter, scope))) return invocation;
  const marked = parameters.map((parameter) =>
    isAbsent(parameter, scope) ? { ...parameter, value: ABSENT_OPTIONAL } : parameter,
  );
  return { ...invocation, arguments: { ...invocation.arguments, parameters: marked } };
};
