import { createScope } from '#libs/expressions';
import { NodeType, type Artifact } from '#libs/workflow-spec';
import type { TaskGraph } from '../dag/task-graph.js';
import { aggregateOf } from '../loops/aggregate.js';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import { absentOutputs } from './absent-outputs.js';
import { globalScope } from './globals.js';
import { templateOf } from '../templates/process-template.js';
import { outerArtifacts } from './outer-artifacts.js';
import { nodeArtifacts, nodeVariables } from './node-variables.js';
import { ownInputs } from './own-inputs.js';
import type { TemplateScope } from './steps-scope.js';

type Names = ReadonlySet<string> | undefined;
interface Gathered {
  variables: Map<string, string | null>;
  artifacts: Map<string, Artifact>;
}

/** Everything that a task waits for, directly or through others. */
export const ancestorsOf = (graph: TaskGraph, task: string): Set<string> => {
  const found = new Set<string>();
  const stack = [...graph.dependencies(task)];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    stack.push(...graph.dependencies(name));
  }
  return found;
};

/** The members of a loop task. */
const itemsOf = (pass: Pass, group: TreeNode): TreeNode[] =>
  pass.state.ownedBy(group.id).filter((node) => node.memory.role === 'item');

const addTask = (
  pass: Pass,
  place: { dag: TreeNode; graph: TaskGraph; task: string; isOutput: boolean },
  into: Gathered,
): void => {
  const { state } = pass;
  const { dag, graph, task, isOutput } = place;
  const node = state.byName(`${dag.status.name}.${task}`);
  const written = graph.tasks.get(task);
  if (node === undefined || written === undefined) return;
  const prefix = `tasks.${task}`;
  if (node.status.type === NodeType.TaskGroup) {
    const loop = { key: task, owner: node, items: itemsOf(pass, node), prefix, keepSkipped: true };
    for (const [name, value] of aggregateOf(pass, loop)) into.variables.set(name, value);
    for (const [name, value] of nodeVariables(state, prefix, node)) into.variables.set(name, value);
    if (!isOutput) return;
  }
  for (const [name, value] of absentOutputs(pass, prefix, node, written)) into.variables.set(name, value);
  for (const [name, value] of nodeVariables(state, prefix, node)) into.variables.set(name, value);
  for (const [name, artifact] of nodeArtifacts(state, prefix, node)) into.artifacts.set(name, artifact);
};

const gather = (
  pass: Pass,
  dag: TreeNode,
  graph: TaskGraph,
  tasks: { names: Iterable<string>; isOutput: boolean },
): TemplateScope => {
  const template = templateOf(pass, dag);
  const into: Gathered = { variables: ownInputs(template), artifacts: outerArtifacts(pass.state, template) };
  for (const task of tasks.names) addTask(pass, { dag, graph, task, isOutput: tasks.isOutput }, into);
  return { variables: createScope(into.variables, globalScope(pass.state, pass.nowMs)), artifacts: into.artifacts };
};

/** What a task can refer to: all its ancestors, as far as `mentioned` speaks of them (Argo's buildLocalScopeFromTask). */
export const taskScope = (
  pass: Pass,
  dag: TreeNode,
  graph: TaskGraph,
  task: { name: string; mentioned: Names },
): TemplateScope => {
  if (task.mentioned?.size === 0) return gather(pass, dag, graph, { names: [], isOutput: false });
  const ancestors = ancestorsOf(graph, task.name);
  const names = task.mentioned === undefined ? ancestors : [...task.mentioned].filter((name) => ancestors.has(name));
  return gather(pass, dag, graph, { names, isOutput: false });
};

/** What the outputs of a DAG template can refer to: all its tasks. */
export const dagOutputScope = (pass: Pass, dag: TreeNode, graph: TaskGraph, mentioned: Names): TemplateScope =>
  gather(pass, dag, graph, { names: mentioned ?? graph.tasks.keys(), isOutput: true });

/** Checks that the results of a loop task can be joined; throws Go's JSON error where they cannot. */
export const assertJoinable = (pass: Pass, group: TreeNode): void => {
  aggregateOf(pass, { key: group.memory.name ?? '', owner: group, items: itemsOf(pass, group), prefix: '', keepSkipped: true });
};
