import { NodePhase, NodeType, type JsonValue } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { isResultWanted } from '../pods/result-capture.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';
import { parseGoJson } from './go-json.js';

const isStructure = (value: unknown): boolean => value !== null && typeof value === 'object';

/** Values of one output parameter over a loop: strings, unless every one of them is a JSON object or list. */
const joinedValues = (values: readonly string[]): string => {
  try {
    const parsed = values.map((value) => JSON.parse(value) as JsonValue);
    if (parsed.every(isStructure)) return JSON.stringify(parsed);
  } catch {
    return JSON.stringify(values);
  }
  return JSON.stringify(values);
};

/** A member that has succeeded, now or (shown as Skipped) in the run that is resubmitted. */
const hasGivenOutputs = ({ phase, outputs }: TreeNode['status']): boolean =>
  phase === NodePhase.Succeeded || (phase === NodePhase.Skipped && outputs !== undefined);

const join = (items: readonly TreeNode[], withResults: boolean): Map<string, string> => {
  const results: string[] = [];
  const parameters: Record<string, string>[] = [];
  const byName = new Map<string, string[]>();
  for (const { status } of items) {
    if (status.outputs === undefined || !hasGivenOutputs(status)) continue;
    const own = status.outputs.parameters ?? [];
    if (own.length > 0) parameters.push(Object.fromEntries(own.map(({ name, value }) => [name, value ?? ''])));
    for (const { name, value } of own) {
      const values = byName.get(name);
      if (values === undefined) byName.set(name, [value ?? '']);
      else values.push(value ?? '');
    }
    if (withResults && status.outputs.result !== undefined) results.push(parseGoJson(status.outputs.result));
  }
  return new Map([
    ['outputs.result', `[${results.join(',')}]`],
    ['outputs.parameters', JSON.stringify(parameters)],
    ...[...byName].map(([name, values]): [string, string] => [`outputs.parameters.${name}`, joinedValues(values)]),
  ]);
};

/** Answers of HTTP requests are results whether somebody names them or not; that they are no JSON is an error only of those who do. */
const isAsked = (pass: Pass, { owner, key }: { owner: TreeNode; key: string }): boolean => {
  const boundary = pass.state.find(owner.status.boundaryID);
  return isResultWanted(boundary === undefined ? undefined : templateOf(pass, boundary), key.split('/').at(-1));
};

/**
 * What a finished loop gives to those who name it: lists over its Succeeded members in their order (Argo's processAggregateNodeOutputs).
 * Nothing where the loop had no member that ran. Throws Go's JSON error where a result is no JSON.
 */
export const aggregateOf = (
  pass: Pass,
  /** `key` ends with the name of the step or task. */
  loop: { key: string; owner: TreeNode; items: readonly TreeNode[]; prefix: string; keepSkipped?: boolean },
): [string, string][] => {
  const items = loop.items.filter(
    (item) => loop.keepSkipped === true || item.status.type !== NodeType.Skipped || hasGivenOutputs(item.status),
  );
  if (items.length === 0) return [];
  const joined = pass.state.derived.of(loop.owner.id, `aggregate ${loop.key}`, () =>
    join(
      [...items].sort((left, right) => (left.memory.index ?? 0) - (right.memory.index ?? 0)),
      isAsked(pass, loop),
    ),
  );
  return [...joined].map(([name, value]) => [`${loop.prefix}.${name}`, value]);
};
