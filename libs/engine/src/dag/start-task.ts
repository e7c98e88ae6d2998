import { UnresolvedTagError } from '#libs/expressions';
import { NodePhase, NodeType } from '#libs/workflow-spec';
import { isLoop } from '../loops/expand.js';
import { createNode } from '../node-tree/create-node.js';
import { outboundNodes } from '../node-tree/outbound.js';
import { isBudgetSpent, type Pass, type StartRequest } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { messageOf } from '../templates/error-message.js';
import { MissingFact } from '../templates/inputs.js';
import { scopeInside } from '../templates/process-template.js';
import { startChild } from '../templates/start-child.js';
import { brokenAncestor } from './broken-loops.js';
import { type Dag, taskNode } from './dag-in-hand.js';
import { readiness } from './readiness.js';
import { type ResolvedTask, resolveTask } from './resolve-task.js';
import { markTaskError, preparedLoop } from './task-group.js';

/** What the task hangs on: the DAG, or whatever the tasks before it end in. */
const parentsOf = (pass: Pass, dag: Dag, task: string): string[] => {
  const dependencies = dag.graph.dependencies(task);
  if (dependencies.length === 0) return [dag.node.id];
  return dependencies.flatMap((name) => {
    const node = taskNode(pass, dag, name);
    return node === undefined ? [] : outboundNodes(pass.state, node);
  });
};

const requestOf = (pass: Pass, dag: Dag, name: string): StartRequest => ({
  nodeName: `${dag.node.status.name}.${name}`,
  invocation: dag.graph.tasks.get(name) ?? { name },
  scope: scopeInside(dag.node),
  boundaryId: dag.node.id,
  parents: parentsOf(pass, dag, name),
  kind: 'task',
  memory: { owner: dag.node.id, role: 'task', name, ...(dag.node.memory.onExit === true ? { onExit: true } : {}) },
});

const skip = (pass: Pass, dag: Dag, name: string, end: { phase: NodePhase; message: string }): void => {
  createNode(pass, requestOf(pass, dag, name), { type: NodeType.Skipped, ...end });
};

/** Tasks that may run and could not be started yet. */
export const blockedTasks = (pass: Pass, dag: Dag): Set<string> =>
  pass.state.derived.of(dag.node.id, 'blocked', () => new Set(dag.graph.order));

const startLoop = (pass: Pass, dag: Dag, name: string): void => {
  const group = createNode(pass, requestOf(pass, dag, name), { type: NodeType.TaskGroup, phase: NodePhase.Running });
  group.memory.cursor = 0;
  let count: number;
  try {
    count = preparedLoop(pass, group).members.count;
  } catch (error) {
    setPhase(pass.state, group, { phase: NodePhase.Error, message: messageOf(error), nowMs: pass.nowMs });
    group.status.type = NodeType.Skipped;
    return;
  }
  if (count === 0) {
    setPhase(pass.state, group, { phase: NodePhase.Skipped, message: 'Skipped, empty params', nowMs: pass.nowMs });
    group.status.type = NodeType.Skipped;
    return;
  }
  pass.operations.advance(pass, group);
};

const startSingle = (pass: Pass, dag: Dag, name: string, { task }: ResolvedTask): 'started' | 'waits' => {
  const written = requestOf(pass, dag, name);
  const memory = isLoop(written.invocation) ? { ...written.memory, shownAsGroup: true } : written.memory;
  const request = { ...written, invocation: task, memory };
  const start = startChild(pass, { owner: dag.node, when: task.when, request, skipped: written });
  if (start.type === 'errored') markTaskError(pass, start.node, start.error);
  return start.type === 'waits' ? 'waits' : 'started';
};

/** Tasks that name what does not exist (yet). Argo asks again for ever; here they fail when nothing else can change it. */
export const unresolvedTasks = (pass: Pass, dag: Dag): Set<string> =>
  pass.state.derived.of(dag.node.id, 'unresolved', () => new Set());

export const startReady = (pass: Pass, dag: Dag, name: string, isFinal = false): 'started' | 'waits' => {
  const broken = brokenAncestor(pass, dag, name);
  if (broken !== undefined) {
    skip(pass, dag, name, { phase: NodePhase.Error, message: broken });
    return 'started';
  }
  let resolved: ResolvedTask;
  try {
    resolved = resolveTask(pass, dag.node, name);
  } catch (error) {
    if (error instanceof MissingFact) {
      pass.state.deferred.set(dag.node.id, 'fact');
      return 'waits';
    }
    if (error instanceof UnresolvedTagError && !isFinal) {
      unresolvedTasks(pass, dag).add(name);
      return 'waits';
    }
    skip(pass, dag, name, { phase: NodePhase.Error, message: messageOf(error) });
    return 'started';
  }
  unresolvedTasks(pass, dag).delete(name);
  if (!isLoop(resolved.task)) return startSingle(pass, dag, name, resolved);
  startLoop(pass, dag, name);
  return 'started';
};

/** Starts the task if its dependencies let it. Returns whether its node exists now. */
export const tryStart = (pass: Pass, dag: Dag, name: string): boolean => {
  if (taskNode(pass, dag, name) !== undefined) return true;
  if (isBudgetSpent(pass)) {
    pass.state.deferred.set(dag.node.id, 'budget');
    return false;
  }
  let ready: boolean | undefined;
  try {
    ready = readiness(pass, dag, name);
  } catch (error) {
    skip(pass, dag, name, { phase: NodePhase.Error, message: messageOf(error) });
    return true;
  }
  if (ready === undefined) return false;
  if (!ready) {
    skip(pass, dag, name, { phase: NodePhase.Omitted, message: 'omitted: depends condition not met' });
    return true;
  }
  return startReady(pass, dag, name) === 'started';
};
