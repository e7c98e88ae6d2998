import { WorkflowInvalidError } from '../errors.js';
import type { WorkflowStep } from '../model/workflow.js';
import { assertArguments } from './arguments.js';
import { addInlineInputs, addItemsToScope, addOutputsToScope, assertHooks, hasExitHook, isAggregating } from './call-scope.js';
import { fieldNameProblems } from './field-names.js';
import { anyArguments, suppliedArguments } from './process-arguments.js';
import { assertTagsResolve, Scope } from './scope.js';
import { assertNoDeadline, withPlace, type TemplateFrame } from './validation-context.js';

const assertStepName = (place: string, name: string, seen: Set<string>): void => {
  if (name === '') throw new WorkflowInvalidError(`${place}.name is required`);
  if (seen.has(name)) throw new WorkflowInvalidError(`${place}.name '${name}' is not unique`);
  const problems = fieldNameProblems(name);
  if (problems.length > 0) throw new WorkflowInvalidError(`${place}.name '${name}' is invalid: ${problems.join(';')}`);
  seen.add(name);
};

const validateStep = (frame: TemplateFrame, step: WorkflowStep, group: string): void => {
  const { context, template, source, scope } = frame;
  const place = `${group}.${step.name}`;
  const prefix = `steps.${step.name}`;
  scope.add(`${prefix}.status`);
  withPlace(place, () => addItemsToScope(step, scope));
  assertArguments(`${place}.arguments.`, step.arguments, false);
  const called = withPlace(place, () => context.validateCall(step, source, anyArguments(context.placeholders)));
  if (hasExitHook(step)) addOutputsToScope(context, scope, { prefix, template: called, aggregate: false, isAncestor: false });
  assertHooks(step.hooks, place);

  const stepScope = new Scope(scope);
  addInlineInputs(step, stepScope);
  assertTagsResolve(`templates.${template.name}.steps `, JSON.stringify(step), {
    scope: stepScope,
    globals: context.globals,
    anyWorkflowParameter: context.anyWorkflowParameter,
  });
  addOutputsToScope(context, scope, { prefix, template: called, aggregate: isAggregating(step), isAncestor: false });
  withPlace(place, () => context.validateCall(step, source, suppliedArguments(step.arguments)));
};

/** The rules for a Steps template; steps see what stands before them, also in their own group (Argo's validateSteps). */
export const validateSteps = (frame: TemplateFrame): void => {
  assertNoDeadline(frame.template);
  const seen = new Set<string>();
  (frame.template.steps ?? []).forEach((group, index) => {
    const place = `templates.${frame.template.name}.steps[${index}]`;
    for (const step of group) {
      assertStepName(place, step.name ?? '', seen);
      validateStep(frame, step, place);
    }
  });
};
