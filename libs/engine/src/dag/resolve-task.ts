import type { DAGTask } from '#libs/workflow-spec';
import { resolveInvocation } from '../loops/resolve-invocation.js';
import type { Pass } from '../pass.js';
import { taskScope } from '../scope/dag-scope.js';
import { mentionedNames } from '../scope/mentioned-names.js';
import type { TemplateScope } from '../scope/steps-scope.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';
import { taskGraph, type TaskGraph } from './task-graph.js';

/** The graph of a DAG node, from its processed template. */
export const graphOf = (pass: Pass, dag: TreeNode): TaskGraph =>
  pass.state.derived.of(dag.id, 'graph', () => taskGraph(templateOf(pass, dag).dag ?? { tasks: [] }));

/** The DAG's own `failFast`, which is on unless it is switched off. */
export const isFailFastDag = (pass: Pass, dag: TreeNode): boolean => templateOf(pass, dag).dag?.failFast !== false;

export interface ResolvedTask {
  task: DAGTask;
  scope: TemplateScope;
}

/** A task with its references to ancestors resolved. Throws ExpressionError or ExecutionError with Argo's message. */
export const resolveTask = (pass: Pass, dag: TreeNode, name: string): ResolvedTask => {
  const graph = graphOf(pass, dag);
  const written = graph.tasks.get(name) ?? { name };
  const scope = taskScope(pass, dag, graph, { name, mentioned: mentionedNames(JSON.stringify(written)) });
  return { task: resolveInvocation(written, scope, pass.nowMs), scope };
};
