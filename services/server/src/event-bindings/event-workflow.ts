import { evaluateExpression, ExpressionError, goJson, goFormatValue, type Scope } from '#libs/expressions';
import {
  anyString,
  type JsonValue,
  LabelName,
  type ObjectMeta,
  type Parameter,
  type Workflow,
  type WorkflowEventBinding,
} from '#libs/workflow-spec';
import { ApiError } from '../errors/errors.js';

type Submit = NonNullable<WorkflowEventBinding['spec']['submit']>;

const inWords = <Value>(what: string, evaluate: () => Value): Value => {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof ExpressionError)
      throw new ApiError(3, `failed to evaluate ${what} expression: ${error.message}`, { cause: error });
    throw error;
  }
};

/** A parameter of any value: texts as they are, all else as JSON. */
const parameterOf = (
  { name = '', valueFrom }: NonNullable<NonNullable<Submit['arguments']>['parameters']>[number],
  scope: Scope,
): Parameter => {
  const expression = valueFrom?.event;
  if (expression === undefined)
    throw new ApiError(3, `malformed workflow template parameter "${name}": validation failed: valueFrom.event is missing`);
  const value = inWords(`workflow template parameter "${name}"`, () => evaluateExpression(expression, scope));
  return { name, value: typeof value === 'string' ? value : anyString(JSON.parse(goJson(value)) as JsonValue) };
};

const textOf = (what: string, expression: string, scope: Scope): string => {
  const value = inWords(`workflow ${what}`, () => evaluateExpression(expression, scope));
  if (typeof value === 'string') return value;
  throw new ApiError(3, `workflow ${what} expression must evaluate to a string, not ${goFormatValue(value)}`);
};

const textsOf = (what: string, expressions: Record<string, string> = {}, scope: Scope): Record<string, string> =>
  Object.fromEntries(Object.entries(expressions).map(([key, value]) => [key, textOf(`${what} "${key}"`, value, scope)]));

const metadataOf = (base: ObjectMeta, written: ObjectMeta = {}, scope: Scope): ObjectMeta => {
  const { name, generateName, labels, annotations } = written;
  return {
    ...base,
    ...(name ? { name: textOf('name', name, scope) } : {}),
    ...(generateName ? { generateName: textOf('generateName', generateName, scope) } : {}),
    labels: { ...base.labels, ...textsOf('label', labels, scope) },
    annotations: { ...base.annotations, ...textsOf('annotation', annotations, scope) },
  };
};

/** Fills the workflow of a template with what the binding takes from the event; ApiError in Argo's words where an expression fails. */
export const eventWorkflow = (template: Workflow, binding: WorkflowEventBinding, scope: Scope): Workflow => {
  const submit = binding.spec.submit ?? {};
  const parameters = (submit.arguments?.parameters ?? []).map((parameter) => parameterOf(parameter, scope));
  const { artifacts = [] } = submit.arguments ?? {};
  const given = {
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(artifacts.length === 0 ? {} : { artifacts }),
  };
  const metadata = metadataOf(template.metadata, submit.metadata, scope);
  return {
    ...template,
    metadata: { ...metadata, labels: { ...metadata.labels, [LabelName.workflowEventBinding]: binding.metadata.name ?? '' } },
    spec: { ...template.spec, ...(Object.keys(given).length === 0 ? {} : { arguments: given }) },
  };
};
