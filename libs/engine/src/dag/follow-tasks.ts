import { isFulfilled } from '#libs/workflow-spec';
import { isBudgetSpent, type Outcome, type Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import { brokenLoops, noteBrokenLoop, targetError } from './broken-loops.js';
import { type Dag, taskNode } from './dag-in-hand.js';
import { isExitLast, isSettled } from './settled.js';
import { blockedTasks, tryStart } from './start-task.js';
import { isHookLast, runTaskExit, runTaskHooks, waitingHandlers } from './task-handlers.js';

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
export const takeInterruption = (pass: Pass, dag: Dag): Interruption | undefined => {
  const left = pass.state.derived.take<Interruption>(dag.node.id, INTERRUPTION);
  if (left !== undefined) pass.state.resuming.delete(dag.node.id);
  return left;
};

/** Takes the look at all of this DAG that the walk has still to come to, where it has: what is cut meanwhile must not forget the others that wait. */
export const takeDueLook = (pass: Pass, dag: Dag): boolean => {
  const isResumed = pass.state.resuming.delete(dag.node.id);
  return isResumed || pass.state.deferred.has(dag.node.id);
};

export const isCut = (pass: Pass, dag: Dag): boolean => pass.state.deferred.has(dag.node.id);

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
export const follow = (pass: Pass, dag: Dag, { names: queue, late }: Interruption, errored?: string): Outcome => {
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

/** Tasks that could not be started yet, or whose exit handler could not, in the order of the graph. */
export const waitingNames = (pass: Pass, dag: Dag): string[] =>
  [...new Set([...blockedTasks(pass, dag), ...waitingHandlers(pass, dag)])].sort(
    (left, right) => dag.graph.position(left) - dag.graph.position(right),
  );
