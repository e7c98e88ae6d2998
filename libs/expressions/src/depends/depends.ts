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

/** A task's name, with the result behind its dot where there is one. */
const MENTION = /(?<task>[a-zA-Z0-9][-a-zA-Z0-9]*)(?:\.(?<result>[A-Z][a-zA-Z]+))?/g;

/** What a bare name stands for, in the order of the text; the last two only where `continueOn` says so. */
const BARE: readonly (readonly [result: TaskResult, applies: (continueOn: ContinueOn) => boolean])[] = [
  [TaskResult.Succeeded, () => true],
  [TaskResult.Skipped, () => true],
  [TaskResult.Daemoned, () => true],
  [TaskResult.Errored, ({ error = false }) => error],
  [TaskResult.Failed, ({ failed = false }) => failed],
];

const ALL_RESULTS = Object.values(TaskResult);
const OF_ITEMS: readonly TaskResult[] = [TaskResult.AnySucceeded, TaskResult.AllFailed];
const isTaskResult = (text: string): text is TaskResult => Object.hasOwn(TaskResult, text);

/** What the bare name of a task means: `(A.Succeeded || A.Skipped || A.Daemoned)`, plus what continueOn adds. */
export function expandTaskName(name: string, continueOn: ContinueOn = {}): string {
  const wanted = BARE.filter(([, applies]) => applies(continueOn));
  return `(${wanted.map(([result]) => `${name}.${result}`).join(' || ')})`;
}

/** The `depends` that a list of `dependencies` means. */
export const dependsFromDependencies = (
  dependencies: readonly string[],
  continueOnOf: (task: string) => ContinueOn | undefined = () => undefined,
): string => dependencies.map((task) => expandTaskName(task, continueOnOf(task))).join(' && ');

/**
 * Reads a `depends`: spells out its bare names and lists the tasks it waits for. Throws ExpressionError for a result
 * that does not exist; whether the rest can be evaluated shows at `evaluateDepends`.
 */
export function parseDepends(source: string, continueOnOf: (task: string) => ContinueOn | undefined = () => undefined): Depends {
  const itemsOf = new Map<string, boolean>();
  const expression = source.replace(MENTION, (mention: string, task: string, result: string | undefined) => {
    if (result !== undefined && !isTaskResult(result)) {
      throw new ExpressionError(`task result '${result}' for task '${task}' is invalid`, 'parse');
    }
    const ofItems = result !== undefined && OF_ITEMS.includes(result);
    itemsOf.set(task, ofItems || itemsOf.get(task) === true);
    return result === undefined ? expandTaskName(task, continueOnOf(task)) : mention;
  });
  return { expression, tasks: Array.from(itemsOf, ([name, items]) => ({ name, items })) };
}

/** Names of tasks may hold hyphens, names of variables may not. */
const asVariable = (text: string): string => text.replaceAll('-', '_');

/** Whether a `depends` is fulfilled; `resultsOf` tells what is true of a task now. Throws ExpressionError. */
export function evaluateDepends(depends: Depends, resultsOf: (task: string) => TaskResults): boolean {
  const variables = depends.tasks.map(({ name }) => {
    const known = resultsOf(name);
    return [asVariable(name), Object.fromEntries(ALL_RESULTS.map((result) => [result, known[result] ?? false]))] as const;
  });
  return evaluateRawBoolean(asVariable(depends.expression), Object.fromEntries(variables));
}
