import { WorkflowInvalidError } from '../errors.js';

const FIELD_NAME = /^[a-zA-Z0-9][-a-zA-Z0-9]*$/;
const FIELD_NAME_MAX_LENGTH = 128;
const ITEM_NAME = /^[-a-zA-Z0-9_]+$/;

/** Why a template, step or task may not have this name; empty where it may. */
export const fieldNameProblems = (name: string): string[] => [
  ...(name.length > FIELD_NAME_MAX_LENGTH ? [`must be no more than ${FIELD_NAME_MAX_LENGTH} characters`] : []),
  ...(FIELD_NAME.test(name)
    ? []
    : [
        "name must consist of alpha-numeric characters or '-', and must start with an alpha-numeric character (e.g. My-name1-2, 123-NAME)",
      ]),
];

/** Why a parameter or artifact may not have this name; empty where it may. */
export const itemNameProblems = (name: string): string[] =>
  ITEM_NAME.test(name)
    ? []
    : ["Parameter/Artifact name must consist of alpha-numeric characters, '_' or '-' e.g. my_param_1, MY-PARAM-1"];

/** Names in a list are there, valid and unique. The error begins with `<prefix>[<index>]`, as Argo's does. */
export const assertNames = (
  prefix: string,
  named: readonly { name?: string }[] | undefined,
  problemsOf: (name: string) => string[],
): void => {
  const seen = new Set<string>();
  (named ?? []).forEach(({ name = '' }, index) => {
    if (name === '') throw new WorkflowInvalidError(`${prefix}[${index}].name is required`);
    const problems = problemsOf(name);
    if (problems.length > 0)
      throw new WorkflowInvalidError(`${prefix}[${index}].name: '${name}' is invalid: ${problems.join(';')}`);
    if (seen.has(name)) throw new WorkflowInvalidError(`${prefix}[${index}].name '${name}' is not unique`);
    seen.add(name);
  });
};

const PARAMETER_TAG = /\{\{[-a-zA-Z0-9]+(\.[-a-zA-Z0-9_]+)*\}\}/;

/** Whether a text contains a plain tag, so that its value is known only while the workflow runs. */
export const containsParameter = (text: string): boolean => PARAMETER_TAG.test(text);
