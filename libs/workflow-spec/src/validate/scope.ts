import { WorkflowInvalidError } from '../errors.js';
import { findTags } from '../tags.js';

/** Any `item.<key>` resolves: the items are known only while the workflow runs. */
export const ANY_ITEM = 'item.*';
export const ANY_OUTPUT_PARAMETER = 'workflow.outputs.parameters.*';
export const ANY_OUTPUT_ARTIFACT = 'workflow.outputs.artifacts.*';

/** Only tags that begin so are Argo's; others are left alone. */
const CHECKED_PREFIXES = ['item.', 'steps.', 'inputs.', 'outputs.', 'pod.', 'workflow.', 'tasks.'];
/** Known to exist at run time wherever they stand. */
const RUNTIME_PREFIXES = [
  'outputs.',
  'workflow.creationTimestamp',
  'workflow.scheduledTime',
  'workflow.duration',
  'tasks.name',
  'steps.name',
  'node.name',
];

/** The names that resolve at one place; an inner place sees the outer one's as well, without copying them. */
export class Scope {
  private readonly names = new Set<string>();

  constructor(private readonly outer?: Scope) {}

  add(name: string): this {
    this.names.add(name);
    return this;
  }

  has(name: string): boolean {
    return this.names.has(name) || (this.outer?.has(name) ?? false);
  }
}

export interface TagRules {
  scope: Scope;
  globals: ReadonlyMap<string, string>;
  /** A template by itself: the workflow that uses it may bring parameters of its own. */
  anyWorkflowParameter: boolean;
}

const isResolvable = (name: string, { scope, globals, anyWorkflowParameter }: TagRules): boolean =>
  scope.has(name) ||
  globals.has(name) ||
  (name.startsWith('item.') && (scope.has(ANY_ITEM) || globals.has(ANY_ITEM))) ||
  (name.startsWith('workflow.outputs.parameters.') && scope.has(ANY_OUTPUT_PARAMETER)) ||
  (name.startsWith('workflow.outputs.artifacts.') && (scope.has(ANY_OUTPUT_ARTIFACT) || globals.has(ANY_OUTPUT_ARTIFACT))) ||
  RUNTIME_PREFIXES.some((prefix) => name.startsWith(prefix)) ||
  (anyWorkflowParameter && name.startsWith('workflow.parameters'));

/** Every plain tag in the text resolves, else WorkflowInvalidError `<place>failed to resolve {{x}}`. Expression tags are not looked at. */
export const assertTagsResolve = (place: string, text: string, rules: TagRules): void => {
  for (const { content, isExpression } of findTags(text)) {
    const name = content.trim();
    if (isExpression || !CHECKED_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    if (!isResolvable(name, rules)) throw new WorkflowInvalidError(`${place}failed to resolve {{${content}}}`);
  }
};
