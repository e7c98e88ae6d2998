import { WorkflowInvalidError } from '../errors.js';
import type { Template, TemplateInvocation } from '../model/workflow.js';
import type { ArgumentsProvider, Placeholders } from './process-arguments.js';
import type { Scope } from './scope.js';
import type { TemplateSource } from './template-source.js';

/** What the rules for one template see of the whole validation. */
export interface ValidationContext {
  readonly placeholders: Placeholders;
  /** `workflow.*` names with values or placeholders; grows as templates with a `globalName` are met. */
  readonly globals: Map<string, string>;
  /** A template by itself: the workflow that uses it may bring parameters of its own. */
  readonly anyWorkflowParameter: boolean;
  /** Resolves and validates what is called; undefined where the reference is known only at run time. */
  readonly validateCall: (call: Call, source: TemplateSource, provider: ArgumentsProvider) => Template | undefined;
}

export type Call = Pick<TemplateInvocation, 'template' | 'templateRef' | 'inline'>;

/** One template being validated, its inputs bound. */
export interface TemplateFrame {
  context: ValidationContext;
  template: Template;
  source: TemplateSource;
  scope: Scope;
}

/** Runs a rule and puts the place before whatever it refuses. */
export const withPlace = <T>(place: string, rule: () => T): T => {
  try {
    return rule();
  } catch (error) {
    if (error instanceof WorkflowInvalidError) throw new WorkflowInvalidError(`${place} ${error.message}`);
    throw error;
  }
};

/** Only what runs by itself has a deadline of its own. */
export const assertNoDeadline = (template: Template): void => {
  if (template.activeDeadlineSeconds !== undefined) {
    throw new WorkflowInvalidError(`templates.${template.name}.activeDeadlineSeconds is only valid for leaf templates`);
  }
};
