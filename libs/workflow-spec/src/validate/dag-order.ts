import { taskDependencies } from '../depends.js';
import { WorkflowInvalidError } from '../errors.js';
import type { DAGTask } from '../model/workflow.js';

const indexTasks = (tasks: readonly DAGTask[]): Map<string, DAGTask> => {
  const byName = new Map<string, DAGTask>();
  for (const task of tasks) {
    const name = task.name ?? '';
    if (byName.has(name)) throw new WorkflowInvalidError(`sorting failed: duplicated nodeName ${name}`);
    byName.set(name, task);
  }
  return byName;
};

/** Which tasks wait for each task, and for how many tasks each one waits. */
const countDependencies = (byName: ReadonlyMap<string, DAGTask>) => {
  const waiting = new Map<string, number>();
  const followers = new Map<string, string[]>();
  for (const [name, task] of byName) {
    const dependencies = taskDependencies(task);
    waiting.set(name, dependencies.length);
    for (const { task: dependency } of dependencies) {
      if (!byName.has(dependency)) throw new WorkflowInvalidError(`sorting failed: invalid dependency ${dependency}`);
      const known = followers.get(dependency);
      if (known === undefined) followers.set(dependency, [name]);
      else known.push(name);
    }
  }
  return { waiting, followers };
};

/** Tasks so that each stands behind those it waits for; names that are repeated, unknown or cyclic are refused in Argo's words. */
export const sortTasks = (tasks: readonly DAGTask[]): DAGTask[] => {
  const byName = indexTasks(tasks);
  const { waiting, followers } = countDependencies(byName);
  const sorted = [...byName].filter(([name]) => waiting.get(name) === 0).map(([, task]) => task);
  for (let head = 0; head < sorted.length; head += 1) {
    for (const follower of followers.get(sorted[head]?.name ?? '') ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, left);
      const task = byName.get(follower);
      if (left === 0 && task !== undefined) sorted.push(task);
    }
  }
  if (sorted.length < byName.size) throw new WorkflowInvalidError('sorting failed: graph with cycle');
  return sorted;
};

/** The tasks that each task waits for, by name. */
export const dependencyIndex = (tasks: readonly DAGTask[]): ReadonlyMap<string, readonly string[]> =>
  new Map(tasks.map((task) => [task.name, taskDependencies(task).map((dependency) => dependency.task)]));

/** Those of the wanted tasks that end before a task, near or far; the search ends when all are found. */
export const ancestorsAmong = (
  wanted: ReadonlySet<string>,
  name: string,
  dependencies: ReadonlyMap<string, readonly string[]>,
): Set<string> => {
  const found = new Set<string>();
  const seen = new Set<string>();
  const pending = [name];
  for (let next = pending.pop(); next !== undefined && found.size < wanted.size; next = pending.pop()) {
    for (const dependency of dependencies.get(next) ?? []) {
      if (seen.has(dependency)) continue;
      seen.add(dependency);
      if (wanted.has(dependency)) found.add(dependency);
      pending.push(dependency);
    }
  }
  return found;
};
