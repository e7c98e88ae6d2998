import { ExpressionError } from '../errors.js';
import { evaluateRawBoolean } from '../expr/evaluate.js';

/** What a DAG task can end as, as `depends` names it. */
export const TaskResult = {
  Succeeded: 'Succeeded',
  Failed: 'Failed',
  Errored: 'Errored',
  Skipped: 'Skipped',
  Omitted: 'Omitted',
  Daemoned: 'Daemoned',
  AnySucceeded: 'AnySucceeded',
  AllFailed: 'AllFailed',
} as const;
export type TaskResult = (typeof TaskResult)[keyof typeof TaskResult];

/** Which of a task's results are true now; a missing one is false. */
export type TaskResults = Readonly<Partial<Record<TaskResult, boolean>>>;

/** A task's `continueOn`, which widens what its bare name stands for. */
export interface ContinueOn {
  readonly error?: boolean | undefined;
  readonly failed?: boolean | undefined;
}

/** A task that a `depends` names; `items` when a result of its loop items is asked for (AnySucceeded, AllFailed). */
export interface DependsTask {
  readonly name: string;
  readonly items: boolean;
}

/** A parsed `depends`: its text with bare names spelled out, and the tasks in order of appearance. */
export interface Depends {
  readonly expression: string;
  readonly tasks: readonly DependsTask[];
}

const NAME = /([a-zA-Z0-9][-a-zA-Z0-9]*?\.[A-Z][a-zA-Z]+)|([a-zA-Z0-9][-a-zA-Z0-9]*)/g;
const RESULTS: ReadonlySet<string> = new Set(Object.values(TaskResult));

/** What the bare name of a task means: `(A.Succeeded || A.Skipped || A.Daemoned)`, plus what continueOn adds. */
export function expandTaskName(name: string, continueOn?: ContinueOn): string {
  const results: TaskResult[] = ['Succeeded', 'Skipped', 'Daemoned'];
  if (continueOn?.error) results.push('Errored');
  if (continueOn?.failed) results.push('Failed');
  return `(${results.map((result) => `${name}.${result}`).join(' || ')})`;
}

/** The `depends` that a list of `dependencies` stands for. */
export const dependsFromDependencies = (
  dependencies: readonly string[],
  continueOnOf: (task: string) => ContinueOn | undefined = () => undefined,
): string => dependencies.map((name) => expandTaskName(name, continueOnOf(name))).join(' && ');

/**
 * Parses a DAG task's `depends`. `continueOnOf` gives each named task's continueOn. Throws ExpressionError
 * `task result 'X' for task 'Y' is invalid` for an unknown result; grammar errors come when it is evaluated.
 */
export function parseDepends(source: string, continueOnOf: (task: string) => ContinueOn | undefined = () => undefined): Depends {
  const items = new Map<string, boolean>();
  const expression = source.replace(NAME, (match: string, qualified: string | undefined) => {
    if (qualified === undefined) {
      items.set(match, false);
      return expandTaskName(match, continueOnOf(match));
    }
    const [name = '', result = ''] = qualified.split('.');
    if (!RESULTS.has(result)) throw new ExpressionError(`task result '${result}' for task '${name}' is invalid`, 'parse');
    const ofItems = result === TaskResult.AnySucceeded || result === TaskResult.AllFailed;
    items.set(name, ofItems || (items.get(name) ?? false));
    return match;
  });
  return { expression, tasks: [...items].map(([name, ofItems]) => ({ name, items: ofItems })) };
}

const variable = (name: string): string => name.replaceAll('-', '_');

/** Evaluates a parsed `depends` on the results of its tasks; throws ExpressionError as expr-lang does. */
export function evaluateDepends(depends: Depends, resultsOf: (task: string) => TaskResults): boolean {
  const env: Record<string, unknown> = {};
  for (const { name } of depends.tasks) {
    const results = resultsOf(name);
    const known: Record<string, boolean> = {};
    for (const result of Object.values(TaskResult)) known[result] = results[result] ?? false;
    env[variable(name)] = known;
  }
  return evaluateRawBoolean(variable(depends.expression), env);
}
