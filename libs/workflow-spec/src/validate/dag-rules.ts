import { assertTaskResults, taskDependencies } from '../depends.js';
import { UserError, WorkflowInvalidError } from '../errors.js';
import type { Arguments, DAGTask, Template } from '../model/workflow.js';
import { findTags } from '../tags.js';
import { assertArguments } from './arguments.js';
import { addInlineInputs, addItemsToScope, addOutputsToScope, isAggregating } from './call-scope.js';
import { ancestorsAmong, dependencyIndex, sortTasks } from './dag-order.js';
import { assertNames, containsParameter, fieldNameProblems } from './field-names.js';
import { anyArguments, suppliedArguments } from './process-arguments.js';
import { assertTagsResolve, Scope } from './scope.js';
import { assertNoDeadline, withPlace, type TemplateFrame } from './validation-context.js';

interface DagFrame extends TemplateFrame {
  byName: ReadonlyMap<string, DAGTask>;
  dependencies: ReadonlyMap<string, readonly string[]>;
  called: Map<string, Template | undefined>;
}

const assertDependencyForms = (name: string, task: DAGTask, usesDepends: boolean): void => {
  const dependencies = task.dependencies ?? [];
  if ((usesDepends || dependencies.length > 0) && /^[0-9]/.test(task.name)) {
    throw new WorkflowInvalidError(
      `templates.${name}.tasks.${task.name} name cannot begin with a digit when using either 'depends' or 'dependencies'`,
    );
  }
  if (usesDepends && dependencies.length > 0) {
    throw new WorkflowInvalidError(`templates.${name} cannot use both 'depends' and 'dependencies' in the same DAG template`);
  }
  if (usesDepends && task.continueOn !== undefined) {
    throw new WorkflowInvalidError(
      `templates.${name} cannot use 'continueOn' when using 'depends'. Instead use 'dep-task.Failed'/'dep-task.Errored'`,
    );
  }
};

const assertDependencies = (frame: DagFrame, task: DAGTask, place: string): void => {
  withPlace(place, () => {
    try {
      assertTaskResults(task);
    } catch (error) {
      throw error instanceof UserError ? new WorkflowInvalidError(error.message) : error;
    }
  });
  for (const { task: dependency, items } of taskDependencies(task)) {
    const before = frame.byName.get(dependency);
    if (before === undefined) throw new WorkflowInvalidError(`${place} dependency '${dependency}' not defined`);
    if (items && !isAggregating(before) && before.withSequence === undefined) {
      throw new WorkflowInvalidError(
        // Argo names the dependency here, not the task that asks.
        `templates.${frame.template.name}.tasks.${dependency} dependency '${dependency}' uses an items-based condition such as .AnySucceeded or .AllFailed but does not contain any items`,
      );
    }
  }
};

/** First look at a task: its forms, what it calls, what it waits for. */
const introduceTask = (frame: DagFrame, task: DAGTask, usesDepends: boolean): void => {
  const { context, source, scope, template } = frame;
  const place = `templates.${template.name}.tasks.${task.name}`;
  assertDependencyForms(template.name ?? '', task, usesDepends);
  const called = withPlace(place, () => context.validateCall(task, source, anyArguments(context.placeholders)));
  frame.called.set(task.name, called);
  const prefix = `tasks.${task.name}`;
  addOutputsToScope(context, scope, { prefix, template: called, aggregate: isAggregating(task), isAncestor: false });
  assertDependencies(frame, task, place);
};

const assertTargets = (frame: DagFrame): void => {
  const { context, template, scope } = frame;
  const target = template.dag?.target ?? '';
  if (target === '') return;
  const { globals, anyWorkflowParameter } = context;
  assertTagsResolve(`templates.${template.name}.targets `, target, { scope, globals, anyWorkflowParameter });
  for (const name of target.split(' ')) {
    if (!containsParameter(name) && !frame.byName.has(name)) {
      throw new WorkflowInvalidError(`templates.${template.name}.targets: target '${name}' is not defined`);
    }
  }
};

/** A task whose arguments come straight from another one waits for it. */
const assertArgumentDependencies = (supplied: Arguments | undefined, ancestors: ReadonlySet<string>): void => {
  const assertAncestor = (source: string | undefined, what: string): void => {
    if (source?.startsWith('{{tasks.') !== true) return;
    const task = source.split('.')[1] ?? '';
    if (!ancestors.has(task)) throw new WorkflowInvalidError(`missing dependency '${task}' for ${what}`);
  };
  for (const { name, value } of supplied?.parameters ?? []) assertAncestor(value, `parameter '${name}'`);
  for (const { name, from } of supplied?.artifacts ?? []) assertAncestor(from, `artifact '${name}'`);
};

const mentionedTasks = (json: string): Set<string> => {
  const names = findTags(json).map(({ content }) => /^\s*tasks\.([^.]+)\./.exec(content)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
};

const validateTask = (frame: DagFrame, task: DAGTask): void => {
  const { context, source, scope, template } = frame;
  const place = `templates.${template.name}.tasks.${task.name}`;
  const prefix = `tasks.${task.name}`;
  const called = frame.called.get(task.name);
  if (task.hooks !== undefined) scope.add(`${prefix}.status`);
  addOutputsToScope(context, scope, { prefix, template: called, aggregate: false, isAncestor: false });

  const json = JSON.stringify(task);
  const ancestors = ancestorsAmong(mentionedTasks(json), task.name, frame.dependencies);
  const taskScope = new Scope(scope);
  for (const ancestor of ancestors) {
    const before = frame.byName.get(ancestor);
    addOutputsToScope(context, taskScope, {
      prefix: `tasks.${ancestor}`,
      template: frame.called.get(ancestor),
      aggregate: before !== undefined && isAggregating(before),
      isAncestor: true,
    });
  }
  addInlineInputs(task, taskScope);
  withPlace(place, () => addItemsToScope(task, taskScope));
  const { globals, anyWorkflowParameter } = context;
  assertTagsResolve(`${place} `, json, { scope: taskScope, globals, anyWorkflowParameter });
  assertArguments(`${place}.arguments.`, task.arguments, false);
  withPlace(place, () => assertArgumentDependencies(task.arguments, ancestors));
  withPlace(place, () => context.validateCall(task, source, suppliedArguments(task.arguments)));
};

/** The rules for a DAG template (Argo's validateDAG). */
export const validateDag = (frame: TemplateFrame): void => {
  const { template } = frame;
  assertNoDeadline(template);
  const written = template.dag?.tasks ?? [];
  if (written.length === 0) throw new WorkflowInvalidError(`templates.${template.name} must have at least one task`);
  const tasks = withPlace(`templates.${template.name}`, () => sortTasks(written));
  assertNames(`templates.${template.name}.tasks`, tasks, fieldNameProblems);
  const usesDepends = tasks.some((task) => Boolean(task.depends));
  const dag: DagFrame = {
    ...frame,
    dependencies: dependencyIndex(tasks),
    byName: new Map(tasks.map((task) => [task.name, task])),
    called: new Map(),
  };
  for (const task of tasks) introduceTask(dag, task, usesDepends);
  assertTargets(dag);
  for (const task of tasks) validateTask(dag, task);
};
