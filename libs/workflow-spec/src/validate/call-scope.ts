import { WorkflowInvalidError } from '../errors.js';
import { itemFromValue, itemType } from '../items.js';
import type { JsonValue, LifecycleHook, Template, TemplateInvocation } from '../model/workflow.js';
import { templateTypeOf } from '../template-type.js';
import { containsParameter } from './field-names.js';
import { ANY_ITEM, ANY_OUTPUT_ARTIFACT, ANY_OUTPUT_PARAMETER, type Scope } from './scope.js';
import type { ValidationContext } from './validation-context.js';

/** Whether later calls see lists of this call's outputs. Sequences do not count, as in Argo. */
export const isAggregating = (call: TemplateInvocation): boolean => (call.withItems?.length ?? 0) > 0 || Boolean(call.withParam);

export const hasExitHook = (call: TemplateInvocation): boolean => Boolean(call.onExit) || call.hooks?.['exit'] !== undefined;

/** Hooks other than `exit` say when they run. */
export const assertHooks = (hooks: Record<string, LifecycleHook> | undefined, place: string): void => {
  for (const [name, hook] of Object.entries(hooks ?? {})) {
    if (name !== 'exit' && !hook.expression) throw new WorkflowInvalidError(`${place}.${name} Expression required`);
  }
};

const addItemVariables = (value: JsonValue, scope: Scope): void => {
  const type = itemType(itemFromValue(value));
  if (type === 'List' && Array.isArray(value)) value.forEach((_, index) => scope.add(`item.[${index}]`));
  else if (type === 'Map') for (const key of Object.keys(value as object)) scope.add(`item.${key}`);
  else scope.add('item');
};

/** What a loop gives its body; at most one kind of loop. */
export const addItemsToScope = (call: TemplateInvocation, scope: Scope): void => {
  const { withItems = [], withParam = '', withSequence } = call;
  const kinds = [withItems.length > 0, withParam !== '', withSequence !== undefined].filter(Boolean).length;
  if (kinds > 1) throw new WorkflowInvalidError('only one of withItems, withParam, withSequence can be specified');
  for (const item of withItems) addItemVariables(item, scope);
  if (withParam !== '') scope.add('item').add(ANY_ITEM);
  if (withSequence !== undefined) {
    if (withSequence.count !== undefined && withSequence.end !== undefined) {
      throw new WorkflowInvalidError('only one of count or end can be defined in withSequence');
    }
    scope.add('item');
  }
};

const hasResult = (template: Template): boolean => {
  const containers = (template['containerSet'] as { containers?: { name?: string }[] } | undefined)?.containers;
  return (
    ['container', 'script', 'data', 'http', 'plugin'].some((type) => template[type] !== undefined) ||
    containers?.some(({ name }) => name === 'main') === true
  );
};

interface GlobalKind {
  prefix: string;
  any: string;
}
const GLOBAL_PARAMETER: GlobalKind = { prefix: 'workflow.outputs.parameters.', any: ANY_OUTPUT_PARAMETER };
const GLOBAL_ARTIFACT: GlobalKind = { prefix: 'workflow.outputs.artifacts.', any: ANY_OUTPUT_ARTIFACT };

const addGlobalName = (context: ValidationContext, scope: Scope, globalName: string | undefined, kind: GlobalKind): void => {
  if (globalName === undefined || globalName === '') return;
  if (containsParameter(globalName)) {
    scope.add(kind.any);
    return;
  }
  scope.add(kind.prefix + globalName);
  context.globals.set(kind.prefix + globalName, context.placeholders.next());
};

export interface CallOutputs {
  /** `steps.<name>` or `tasks.<name>`. */
  prefix: string;
  /** Undefined where the template is known only at run time. */
  template: Template | undefined;
  aggregate: boolean;
  /** Its end lies before: `status` is known. */
  isAncestor: boolean;
}

/** What later calls may say about this one (Argo's addOutputsToScope). */
export const addOutputsToScope = (context: ValidationContext, scope: Scope, call: CallOutputs): void => {
  const { prefix, template } = call;
  for (const name of ['id', 'startedAt', 'finishedAt', 'hostNodeName']) scope.add(`${prefix}.${name}`);
  if (template === undefined) return;
  if (template.daemon === true) scope.add(`${prefix}.ip`);
  if (hasResult(template)) scope.add(`${prefix}.outputs.result`).add(`${prefix}.exitCode`);
  for (const { name, globalName } of template.outputs?.parameters ?? []) {
    scope.add(`${prefix}.outputs.parameters.${name}`);
    addGlobalName(context, scope, globalName, GLOBAL_PARAMETER);
  }
  for (const { name, globalName } of template.outputs?.artifacts ?? []) {
    scope.add(`${prefix}.outputs.artifacts.${name}`);
    addGlobalName(context, scope, globalName, GLOBAL_ARTIFACT);
  }
  if (call.aggregate) {
    scope.add(`${prefix}.outputs.parameters`);
    const type = templateTypeOf(template);
    if (type === 'script' || type === 'containerSet') scope.add(`${prefix}.outputs.result`).add(`${prefix}.exitCode`);
  }
  if (call.isAncestor) scope.add(`${prefix}.status`);
};

/** An inline template's inputs are known where it is called. */
export const addInlineInputs = (call: TemplateInvocation, scope: Scope): void => {
  for (const { name } of call.inline?.inputs?.parameters ?? []) scope.add(`inputs.parameters.${name}`);
};
