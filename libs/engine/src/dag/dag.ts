import { isFailedOrErrorPhase, isFulfilled, NodePhase } from '#libs/workflow-spec';
import { shutdownOf } from '../limits/shutdown.js';
import { outboundNodes } from '../node-tree/outbound.js';
import { exportGlobals } from '../outputs/global-outputs.js';
import { templateOutputs } from '../outputs/template-outputs.js';
import type { ChangedChild, Outcome, Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { dagOutputScope } from '../scope/dag-scope.js';
import { mentionedNames } from '../scope/mentioned-names.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import { templateOf } from '../templates/process-template.js';
import { type Dag, taskNode } from './dag-in-hand.js';
import { brokenLoops } from './broken-loops.js';
import { assessDagPhase } from './dag-phase.js';
import { follow, isCut, takeDueLook, takeInterruption, waitingNames } from './follow-tasks.js';
import { graphOf, isFailFastDag } from './resolve-task.js';
import { startReady, unresolvedTasks } from './start-task.js';
import { markTaskError } from './task-group.js';
import { isExitHandlerWaiting, runTaskExit } from './task-handlers.js';

const setOutbound = (pass: Pass, dag: Dag): void => {
  pass.state.change(dag.node, () => {
    dag.node.status.outboundNodes = dag.graph.targets.flatMap((target) => {
      const node = taskNode(pass, dag, target);
      return node === undefined ? [] : outboundNodes(pass.state, node);
    });
  });
};

const finish = (pass: Pass, dag: Dag): Outcome => {
  const { state, nowMs } = pass;
  const template = templateOf(pass, dag.node);
  const broken = [...brokenLoops(pass, dag).values()][0];
  if (broken !== undefined) return { error: broken };
  for (const name of dag.graph.tasks.keys()) exportGlobals(state, taskNode(pass, dag, name)?.status.outputs);
  try {
    const outputs = templateOutputs(
      template,
      dagOutputScope(pass, dag.node, dag.graph, mentionedNames(JSON.stringify(template.outputs ?? {}))),
    );
    if (outputs !== undefined) {
      state.change(dag.node, () => {
        dag.node.status.outputs = outputs;
      });
    }
  } catch (error) {
    return { error: messageOf(error) };
  }
  setOutbound(pass, dag);
  setPhase(state, dag.node, { phase: NodePhase.Succeeded, nowMs });
  return {};
};

/** Nothing below is open: the targets decide. */
const assess = (pass: Pass, dag: Dag): Outcome => {
  const { state, nowMs } = pass;
  if (isCut(pass, dag)) return {};
  if (state.counters.open(dag.node.id) > 0 || state.unfollowed.of(dag.node.id) > 0) return {};
  if (isExitHandlerWaiting(pass, dag)) return {};
  const unresolved = [...unresolvedTasks(pass, dag)];
  if (unresolved.length > 0) {
    for (const name of unresolved) startReady(pass, dag, name, true);
    unresolvedTasks(pass, dag).clear();
    const followed = follow(pass, dag, { names: unresolved, late: { hooks: [], exits: [] } });
    return followed.error === undefined ? assess(pass, dag) : followed;
  }
  const isFailFast = isFailFastDag(pass, dag.node);
  const isStopped = shutdownOf(state) !== undefined && dag.node.memory.onExit !== true;
  const phase = isStopped ? NodePhase.Failed : assessDagPhase(state, dag.node, dag.graph, isFailFast);
  if (phase === NodePhase.Succeeded) return finish(pass, dag);
  if (isFailedOrErrorPhase(phase)) {
    setOutbound(pass, dag);
    setPhase(state, dag.node, { phase, nowMs });
  }
  return {};
};

const subjectOf = (pass: Pass, node: TreeNode): TreeNode =>
  node.memory.subject === undefined ? node : (pass.state.find(node.memory.subject) ?? node);

/** What is to be looked at beside the changed task: all that wait where there is none, or where the walk has still to come here. */
const leftOver = (pass: Pass, dag: Dag, own: string | undefined): Parameters<typeof follow>[2] => ({
  names: own === undefined || takeDueLook(pass, dag) ? waitingNames(pass, dag) : [],
  late: { hooks: [], exits: [] },
});

/**
 * Goes on with a DAG (Argo's executeDAG). With a changed task only its dependents are looked at, otherwise every task that could not be
 * started yet; also where a walk that was cut has still to come to this DAG.
 */
export const advanceDag = (pass: Pass, node: TreeNode, changed?: ChangedChild): Outcome => {
  if (isFulfilled(node.status)) return {};
  const dag = { node, graph: graphOf(pass, node) };
  if (changed?.error !== undefined) markTaskError(pass, changed.node, changed.error);
  const own = changed === undefined ? undefined : (subjectOf(pass, changed.node).memory.name ?? '');
  const errored = changed?.error === undefined ? undefined : own;
  const left = takeInterruption(pass, dag) ?? leftOver(pass, dag, own);
  const followed = follow(pass, dag, { ...left, names: [...(own === undefined ? [] : [own]), ...left.names] }, errored);
  if (followed.error !== undefined) return followed;
  const assessed = assess(pass, dag);
  if (errored !== undefined && changed !== undefined && !isFulfilled(node.status)) runTaskExit(pass, dag, changed.node);
  return assessed;
};
