import { UserError } from './errors.js';
import type { DAGTask } from './model/workflow.js';

/** What a `depends` expression can ask of a task (Argo's common/ancestry.go). */
const TASK_RESULTS = ['Succeeded', 'Failed', 'Errored', 'Skipped', 'Omitted', 'Daemoned', 'AnySucceeded', 'AllFailed'] as const;

/** A task named in a `depends` expression; `result` is absent for the bare name. */
interface TaskReference {
  task: string;
  result?: string;
}

const REFERENCE = /([a-zA-Z0-9][-a-zA-Z0-9]*)(?:\.([a-zA-Z]+))?/g;
const KNOWN_RESULTS: ReadonlySet<string> = new Set(TASK_RESULTS);

/** The references of a `depends` expression in order, operators and parentheses left out. */
const dependsReferences = (depends: string): TaskReference[] =>
  [...depends.matchAll(REFERENCE)].map(([, task = '', result]) => (result === undefined ? { task } : { task, result }));

/** The first result that Argo does not know, as UserError with Argo's message. */
export const assertTaskResults = (task: DAGTask): void => {
  for (const { task: name, result } of dependsReferences(task.depends ?? '')) {
    if (result !== undefined && !KNOWN_RESULTS.has(result)) {
      throw new UserError(`task result '${result}' for task '${name}' is invalid`);
    }
  }
};

/** A task that another waits for; `items` where the expression asks for AnySucceeded or AllFailed, which only loops have. */
interface TaskDependency {
  task: string;
  items: boolean;
}

/** The tasks that a task waits for, each once, in the order in which `depends` or `dependencies` name them. */
export const taskDependencies = (task: DAGTask): TaskDependency[] => {
  const found = new Map<string, boolean>();
  if (task.depends !== undefined && task.depends !== '') {
    for (const { task: name, result } of dependsReferences(task.depends)) {
      const items = result === 'AnySucceeded' || result === 'AllFailed';
      found.set(name, items || (found.get(name) ?? false));
    }
  } else {
    for (const name of task.dependencies ?? []) found.set(name, false);
  }
  return [...found].map(([name, items]) => ({ task: name, items }));
};
