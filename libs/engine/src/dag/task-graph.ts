import { dependsFromDependencies, parseDepends, type Depends } from '#libs/expressions';
import type { DAGTask, DAGTemplate } from '#libs/workflow-spec';

/** The tasks of a DAG template with what waits for what, made once per DAG node. */
export interface TaskGraph {
  tasks: ReadonlyMap<string, DAGTask>;
  /** Tasks whose end decides about the DAG, in Argo's order. */
  targets: readonly string[];
  /** Tasks that run at all: the targets and everything that they wait for, each after what it waits for. */
  order: readonly string[];
  /** Where in `order` the task stands. */
  position(task: string): number;
  dependencies(task: string): readonly string[];
  /** What has to be true of the dependencies for the task to run; undefined where it has none. */
  condition(task: string): Depends | undefined;
  dependents(task: string): readonly string[];
}

const leaves = (tasks: readonly DAGTask[], dependencies: ReadonlyMap<string, readonly string[]>): string[] => {
  const awaited = new Set([...dependencies.values()].flat());
  return tasks
    .map(({ name }) => name)
    .filter((name) => !awaited.has(name))
    .sort();
};

const reachable = (targets: readonly string[], dependencies: ReadonlyMap<string, readonly string[]>): string[] => {
  const order: string[] = [];
  const seen = new Set<string>();
  const stack = [...targets].reverse().map((name) => ({ name, leave: false }));
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    if (entry.leave) {
      order.push(entry.name);
    } else if (!seen.has(entry.name)) {
      seen.add(entry.name);
      stack.push({ name: entry.name, leave: true });
      for (const dependency of [...(dependencies.get(entry.name) ?? [])].reverse())
        stack.push({ name: dependency, leave: false });
    }
  }
  return order;
};

const conditionOf = (task: DAGTask, tasks: ReadonlyMap<string, DAGTask>): Depends | undefined => {
  const continueOnOf = (name: string): DAGTask['continueOn'] => tasks.get(name)?.continueOn;
  if (task.depends !== undefined && task.depends !== '') return parseDepends(task.depends, continueOnOf);
  const dependencies = task.dependencies ?? [];
  return dependencies.length === 0 ? undefined : parseDepends(dependsFromDependencies(dependencies, continueOnOf), continueOnOf);
};

/** Reads a DAG template; `target` is a list separated by blanks, without it the leaves by name are the targets. */
export const taskGraph = (dag: DAGTemplate): TaskGraph => {
  const tasks = new Map(dag.tasks.map((task) => [task.name, task]));
  const conditions = new Map(dag.tasks.map((task) => [task.name, conditionOf(task, tasks)]));
  const dependencies = new Map(
    [...conditions].map(([name, condition]) => [name, (condition?.tasks ?? []).map((dependency) => dependency.name)]),
  );
  const targets = dag.target ? dag.target.split(/\s+/).filter((name) => name !== '') : leaves(dag.tasks, dependencies);
  const order = reachable(targets, dependencies);
  const positions = new Map(order.map((name, at) => [name, at]));
  const dependents = new Map<string, string[]>();
  for (const name of order) {
    for (const dependency of dependencies.get(name) ?? []) {
      const waiting = dependents.get(dependency);
      if (waiting === undefined) dependents.set(dependency, [name]);
      else waiting.push(name);
    }
  }
  return {
    tasks,
    targets,
    order,
    position: (task) => positions.get(task) ?? order.length,
    dependencies: (task) => dependencies.get(task) ?? [],
    condition: (task) => conditions.get(task),
    dependents: (task) => dependents.get(task) ?? [],
  };
};
