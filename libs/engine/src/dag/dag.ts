import { evaluateDepends, UnresolvedTagError, type TaskResults } from '#libs/expressions';
import { isCompleted, isDaemoned, isFailedOrErrorPhase, isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import { isExitHandlerDue, runExitHandler } from '../exit-handlers/exit-handler.js';
import { shutdownOf } from '../limits/shutdown.js';
import { expressionHooks, runHooks } from '../hooks/lifecycle-hooks.js';
import { createNode } from '../node-tree/create-node.js';
import { isLoop } from '../loops/expand.js';
import { outboundNodes } from '../node-tree/outbound.js';
import { exportGlobals } from '../outputs/global-outputs.js';
import { templateOutputs } from '../outputs/template-outputs.js';
import { exitHookOf, isBudgetSpent, type ChangedChild, type Outcome, type Pass, type StartRequest } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { ancestorsOf, assertJoinable, dagOutputScope, taskScope } from '../scope/dag-scope.js';
import { mentionedNames } from '../scope/mentioned-names.js';
import { isWanted } from '../scope/when.js';
import { isOrderedType } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import { MissingFact } from '../templates/inputs.js';
import { scopeInside, templateOf } from '../templates/process-template.js';
import { assessDagPhase } from './dag-phase.js';
import { graphOf, isFailFastDag, resolveTask, type ResolvedTask } from './resolve-task.js';
import type { TaskGraph } from './task-graph.js';
import { markTaskError, preparedLoop } from './task-group.js';

/** One DAG in hand. */
interface Dag {
  node: TreeNode;
  graph: TaskGraph;
}

const taskNode = (pass: Pass, dag: Dag, task: string): TreeNode | undefined =>
  pass.state.byName(`${dag.node.status.name}.${task}`);

/** A loop that succeeded lets its dependents go before its own exit handler starts, so they do not wait for it. */
const isExitLast = (pass: Pass, dag: Dag, node: TreeNode): boolean => {
  if (node.status.type !== NodeType.TaskGroup || node.status.phase !== NodePhase.Succeeded) return false;
  return !isFailFastDag(pass, dag.node) || pass.state.ownedBy(node.id).every((item) => !isCompleted(item.status));
};

/** Hooks and exit handler of a task have ended too; only then does it count for others. */
const isSettled = (pass: Pass, dag: Dag, node: TreeNode): boolean => {
  if (!isFulfilled(node.status)) return false;
  const task = dag.graph.tasks.get(node.memory.name ?? '');
  if (task === undefined || (task.onExit === undefined && task.hooks === undefined)) return true;
  if (isExitHandlerDue(pass, node, task)) return isExitLast(pass, dag, node);
  return pass.state.children(node).every((child) => child.status.nodeFlag?.hooked !== true || isFulfilled(child.status));
};

const resultsOf = (pass: Pass, node: TreeNode): TaskResults => {
  const { phase } = node.status;
  const items = node.status.type === NodeType.TaskGroup ? pass.state.children(node) : [];
  return {
    Succeeded: phase === NodePhase.Succeeded,
    Failed: phase === NodePhase.Failed,
    Errored: phase === NodePhase.Error,
    Skipped: phase === NodePhase.Skipped,
    Omitted: phase === NodePhase.Omitted,
    Daemoned: isDaemoned(node.status),
    AnySucceeded: items.some((item) => item.status.phase === NodePhase.Succeeded),
    AllFailed: items.length > 0 && items.every((item) => item.status.phase === NodePhase.Failed),
  };
};

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

/** How many dependencies of each task are known to be settled, counted from the first, so that a task with many is not gone through at each of their ends. */
const settledCounts = (pass: Pass, dag: Dag): Map<string, number> =>
  pass.state.derived.of(dag.node.id, 'settled', () => new Map<string, number>());

const isEveryDependencySettled = (pass: Pass, dag: Dag, name: string): boolean => {
  const counts = settledCounts(pass, dag);
  const dependencies = dag.graph.dependencies(name);
  let count = counts.get(name) ?? 0;
  const isDependencySettled = (dependency: string): boolean => {
    const node = taskNode(pass, dag, dependency);
    return node !== undefined && isSettled(pass, dag, node);
  };
  while (count < dependencies.length && isDependencySettled(dependencies[count] ?? '')) count += 1;
  counts.set(name, count);
  return count === dependencies.length && dependencies.every(isDependencySettled);
};

/** Whether the dependencies let the task run; undefined while one of them has not ended. */
const readiness = (pass: Pass, dag: Dag, name: string): boolean | undefined => {
  const condition = dag.graph.condition(name);
  if (condition === undefined) return true;
  if (!isEveryDependencySettled(pass, dag, name)) return undefined;
  return evaluateDepends(condition, (task) => {
    const node = taskNode(pass, dag, task);
    return node === undefined ? {} : resultsOf(pass, node);
  });
};

/** Tasks that may run and could not be started yet. */
const blockedTasks = (pass: Pass, dag: Dag): Set<string> =>
  pass.state.derived.of(dag.node.id, 'blocked', () => new Set(dag.graph.order));

/** Loop tasks whose results cannot be joined, with the reason; whatever comes after them cannot be given its variables. */
const brokenLoops = (pass: Pass, dag: Dag): Map<string, string> =>
  pass.state.derived.of(dag.node.id, 'brokenLoops', () => {
    const broken = new Map<string, string>();
    for (const node of pass.state.ownedBy(dag.node.id)) noteBrokenLoop(pass, node, broken);
    return broken;
  });

const noteBrokenLoop = (pass: Pass, node: TreeNode, broken: Map<string, string>): void => {
  if (node.status.type !== NodeType.TaskGroup || !isFulfilled(node.status)) return;
  try {
    assertJoinable(pass, node);
  } catch (error) {
    broken.set(node.memory.name ?? '', messageOf(error));
  }
};

const brokenAncestor = (pass: Pass, dag: Dag, task: string): string | undefined => {
  const broken = brokenLoops(pass, dag);
  if (broken.size === 0) return undefined;
  return [...ancestorsOf(dag.graph, task)].map((name) => broken.get(name)).find((reason) => reason !== undefined);
};

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
  try {
    if (!isWanted(task.when)) {
      skip(pass, dag, name, { phase: NodePhase.Skipped, message: `when '${task.when ?? ''}' evaluated false` });
      return 'started';
    }
  } catch (error) {
    skip(pass, dag, name, { phase: NodePhase.Error, message: messageOf(error) });
    return 'started';
  }
  const result = pass.operations.start(pass, { ...requestOf(pass, dag, name), invocation: task });
  if (result.type === 'refused') {
    if (result.why === 'slot') pass.state.waitingForSlot.add(dag.node.id);
    else pass.state.deferred.set(dag.node.id, result.why);
    return 'waits';
  }
  if (result.error !== undefined) markTaskError(pass, result.node, result.error);
  return 'started';
};

/** Tasks that name what does not exist (yet). Argo asks again for ever; here they fail when nothing else can change it. */
const unresolvedTasks = (pass: Pass, dag: Dag): Set<string> => pass.state.derived.of(dag.node.id, 'unresolved', () => new Set());

const startReady = (pass: Pass, dag: Dag, name: string, isFinal = false): 'started' | 'waits' => {
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
const tryStart = (pass: Pass, dag: Dag, name: string): boolean => {
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

/** Tasks whose exit handler or hook has to wait; for the exit handlers the DAG waits too. */
const waitingHandlers = (pass: Pass, dag: Dag): Set<string> =>
  pass.state.derived.of(dag.node.id, 'handlers', () => new Set<string>());

/** Starts the exit handler of a task that has completed. */
const runTaskExit = (pass: Pass, dag: Dag, node: TreeNode): void => {
  const task = dag.graph.tasks.get(node.memory.name ?? '');
  if (task === undefined || node.memory.role !== 'task' || !isCompleted(node.status)) return;
  const hook = exitHookOf(task, undefined);
  if (hook === undefined) return;
  const scope = taskScope(pass, dag.node, dag.graph, { name: task.name, mentioned: mentionedNames(JSON.stringify(hook)) });
  const prefix = `tasks.${task.name}`;
  runExitHandler(pass, { node, invocation: task, prefix, variables: scope.variables, owner: dag.node });
  if (isExitHandlerDue(pass, node, task)) waitingHandlers(pass, dag).add(task.name);
};

/** Whatever ends while the DAG is gone through lets its dependents go before its hooks fire; only ordered work and suspensions end before. */
const isHookLast = (node: TreeNode): boolean =>
  isFulfilled(node.status) && !isOrderedType(node.status.type) && node.status.type !== NodeType.Suspend;

/** Fires the hooks of a task; an expression that cannot be evaluated is an error of the task. Before it runs only a target is asked. */
const runTaskHooks = (pass: Pass, dag: Dag, node: TreeNode): void => {
  const task = dag.graph.tasks.get(node.memory.name ?? '');
  if (task === undefined || node.memory.role !== 'task' || expressionHooks(task.hooks).length === 0) return;
  if (node.status.phase === NodePhase.Pending && !dag.graph.targets.includes(task.name)) return;
  try {
    const scope = taskScope(pass, dag.node, dag.graph, {
      name: task.name,
      mentioned: mentionedNames(JSON.stringify(task.hooks)),
    });
    const place = { node, invocation: task, kind: 'tasks', variables: scope.variables, owner: dag.node } as const;
    if (runHooks(pass, place) === 'waits') waitingHandlers(pass, dag).add(task.name);
  } catch (error) {
    setPhase(pass.state, node, { phase: NodePhase.Error, message: messageOf(error), nowMs: pass.nowMs });
  }
};

/** A target whose variables cannot be gathered is an error of the whole DAG. */
const targetError = (pass: Pass, dag: Dag, name: string): string | undefined =>
  brokenLoops(pass, dag).size > 0 && dag.graph.targets.includes(name) ? brokenAncestor(pass, dag, name) : undefined;

const unstartedDependents = (pass: Pass, dag: Dag, name: string): string[] =>
  dag.graph.dependents(name).filter((dependent) => taskNode(pass, dag, dependent) === undefined);

/** Nodes whose hooks and exit handlers have their turn when all dependents have had theirs. */
interface LateHooks {
  hooks: TreeNode[];
  exits: TreeNode[];
}

/** Where the walk over the tasks stopped: names that have not had their turn, and what is left to the end. */
interface Interruption {
  names: string[];
  late: LateHooks;
}

const INTERRUPTION = 'interruption';

/** Takes out what was left when the walk over this DAG was cut; undefined where it was not. */
const takeInterruption = (pass: Pass, dag: Dag): Interruption | undefined => {
  const left = pass.state.derived.take<Interruption>(dag.node.id, INTERRUPTION);
  if (left !== undefined) pass.state.resuming.delete(dag.node.id);
  return left;
};

const isCut = (pass: Pass, dag: Dag): boolean => pass.state.deferred.has(dag.node.id);

const keep = (pass: Pass, dag: Dag, left: Interruption): void => {
  pass.state.derived.of(dag.node.id, INTERRUPTION, () => left);
};

const runEarly = (pass: Pass, dag: Dag, { node, isErrored }: { node: TreeNode; isErrored: boolean }, late: LateHooks): void => {
  waitingHandlers(pass, dag).delete(node.memory.name ?? '');
  if (isHookLast(node)) late.hooks.push(node);
  else runTaskHooks(pass, dag, node);
  if (isExitLast(pass, dag, node)) late.exits.push(node);
  else if (!isErrored) runTaskExit(pass, dag, node);
};

const runLate = (pass: Pass, dag: Dag, late: LateHooks): void => {
  while (late.hooks.length + late.exits.length > 0) {
    const [hook] = late.hooks;
    const [exit] = late.exits;
    if (hook !== undefined) runTaskHooks(pass, dag, hook);
    else if (exit !== undefined) runTaskExit(pass, dag, exit);
    if (isCut(pass, dag)) return keep(pass, dag, { names: [], late });
    if (hook !== undefined) late.hooks.shift();
    else late.exits.shift();
  }
};

/** Follows the ends of tasks: whatever waited for them is started, and what ends at once is followed in turn. */
const follow = (pass: Pass, dag: Dag, { names: queue, late }: Interruption, errored?: string): Outcome => {
  const blocked = blockedTasks(pass, dag);
  for (let at = 0; at < queue.length; at += 1) {
    const name = queue[at] ?? '';
    const existed = taskNode(pass, dag, name) !== undefined;
    const node = existed || tryStart(pass, dag, name) ? taskNode(pass, dag, name) : undefined;
    if (node !== undefined) {
      blocked.delete(name);
      const error = existed ? undefined : targetError(pass, dag, name);
      if (error !== undefined) return { error };
      if (isFulfilled(node.status)) noteBrokenLoop(pass, node, brokenLoops(pass, dag));
      if (isBudgetSpent(pass)) pass.state.deferred.set(dag.node.id, 'budget');
      const before = { hooks: [...late.hooks], exits: [...late.exits] };
      if (!isCut(pass, dag)) runEarly(pass, dag, { node, isErrored: name === errored }, late);
      if (isCut(pass, dag)) Object.assign(late, before);
    }
    if (isCut(pass, dag)) {
      keep(pass, dag, { names: queue.slice(at), late });
      return {};
    }
    if (node !== undefined && isSettled(pass, dag, node)) queue.push(...unstartedDependents(pass, dag, name));
  }
  runLate(pass, dag, late);
  return {};
};

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

const isExitHandlerWaiting = (pass: Pass, dag: Dag): boolean =>
  [...waitingHandlers(pass, dag)].some((name) => {
    const node = taskNode(pass, dag, name);
    const task = dag.graph.tasks.get(name);
    return node !== undefined && task !== undefined && isExitHandlerDue(pass, node, task);
  });

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
  const left = takeInterruption(pass, dag) ?? {
    names: own === undefined ? waitingNames(pass, dag) : [],
    late: { hooks: [], exits: [] },
  };
  const followed = follow(pass, dag, { ...left, names: [...(own === undefined ? [] : [own]), ...left.names] }, errored);
  if (followed.error !== undefined) return followed;
  const assessed = assess(pass, dag);
  if (errored !== undefined && changed !== undefined && !isFulfilled(node.status)) runTaskExit(pass, dag, changed.node);
  return assessed;
};

/** Tasks that could not be started yet, or whose exit handler could not, in the order of the graph. */
const waitingNames = (pass: Pass, dag: Dag): string[] =>
  [...new Set([...blockedTasks(pass, dag), ...waitingHandlers(pass, dag)])].sort(
    (left, right) => dag.graph.position(left) - dag.graph.position(right),
  );
