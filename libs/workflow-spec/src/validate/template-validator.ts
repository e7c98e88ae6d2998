import { WorkflowInvalidError } from '../errors.js';
import type { Template } from '../model/workflow.js';
import { templateTypeOf } from '../template-type.js';
import { containsPlaceholder, Placeholders, type ArgumentsProvider } from './process-arguments.js';
import { validateTemplate } from './template-rules.js';
import { templateByName, templateKey, templateNotFoundMessage } from './template-source.js';
import type { TemplateGetter, TemplateKey, TemplateSource } from './template-source.js';
import { findTags } from '../tags.js';
import type { Call, ValidationContext } from './validation-context.js';

/** Thrown to leave a validation that needs a template which has not been loaded; never leaves this library. */
export class TemplateNotLoaded extends Error {
  constructor(readonly key: TemplateKey) {
    super(templateNotFoundMessage(key));
    this.name = 'TemplateNotLoaded';
  }
}

/** A template that was reached through a reference, under the key that `status.storedTemplates` uses. */
export interface ResolvedReference {
  storedName: string;
  template: Template;
}

interface Resolved {
  template: Template;
  source: TemplateSource;
}

const RETRY_POLICIES = new Set(['', 'Always', 'OnError', 'OnFailure', 'OnTransientError']);

/**
 * One validation. States: `globals` grows with every global output that is met; `validated` remembers the templates (by source and name)
 * whose body has been looked at, which also ends recursion between templates.
 */
export class TemplateValidator implements ValidationContext {
  readonly placeholders = new Placeholders();
  readonly globals = new Map<string, string>();
  readonly references: ResolvedReference[] = [];
  private readonly validated = new Set<string>();

  constructor(
    private readonly getter: TemplateGetter,
    private readonly namespace: string,
    readonly anyWorkflowParameter: boolean,
  ) {}

  /** Declares a `workflow.*` name with a value that is known only later. */
  declare(name: string, value?: string): void {
    this.globals.set(name, value ?? this.placeholders.next());
  }

  readonly validateCall = (call: Call, source: TemplateSource, provider: ArgumentsProvider): Template | undefined => {
    const resolved = this.resolve(call, source);
    if (resolved === undefined) return undefined;
    const { template } = resolved;
    if (!RETRY_POLICIES.has(template.retryStrategy?.retryPolicy ?? '')) {
      throw new WorkflowInvalidError(`${template.retryStrategy?.retryPolicy} is not a valid RetryPolicy`);
    }
    const id = `${resolved.source.scope}${call.inline === undefined ? '' : 'inline/'}${template.name ?? ''}`;
    const isFirst = (): boolean => {
      if (this.validated.has(id)) return false;
      this.validated.add(id);
      return true;
    };
    validateTemplate(this, { template, source: resolved.source, provider, isFirst });
    return template;
  };

  private resolve(call: Call, source: TemplateSource): Resolved | undefined {
    const { templateRef, template: name = '', inline } = call;
    if (templateRef !== undefined) {
      if (name !== '') throw new WorkflowInvalidError('template name cannot be specified with templateRef');
      return this.resolveReference(templateRef);
    }
    if (inline !== undefined) return { template: { name: '', ...inline }, source };
    if (name === '') throw new WorkflowInvalidError('failed to get a template');
    const template = templateByName(source.spec, name);
    if (template === undefined) throw new WorkflowInvalidError(`template name '${name}' undefined`);
    if (templateTypeOf(template) === undefined) throw new WorkflowInvalidError(`template '${name}' type is unknown`);
    return { template, source };
  }

  private resolveReference(reference: NonNullable<Call['templateRef']>): Resolved | undefined {
    const { name = '', template: templateName = '' } = reference;
    if (name === '') throw new WorkflowInvalidError('resource name is required');
    if (templateName === '') throw new WorkflowInvalidError('template name is required');
    if (findTags(name + templateName).length > 0) return undefined;
    const key = templateKey(this.namespace, reference);
    if (containsPlaceholder(name)) return undefined;
    const spec = this.getter(key);
    if (spec === undefined) throw new TemplateNotLoaded(key);
    if (spec === null) throw new WorkflowInvalidError(templateNotFoundMessage(key));
    const template = templateByName(spec, templateName);
    if (template === undefined) {
      if (containsPlaceholder(templateName)) return undefined;
      throw new WorkflowInvalidError(`template reference ${name}.${templateName} not found`);
    }
    if (templateTypeOf(template) === undefined) throw new WorkflowInvalidError(`template '${templateName}' type is unknown`);
    const scope = `${key.kind === 'clusterWorkflowTemplate' ? 'cluster' : 'namespaced'}/${name}/`;
    const storedName = `${scope}${templateName}`;
    if (!this.references.some((known) => known.storedName === storedName)) this.references.push({ storedName, template });
    return { template, source: { scope, spec } };
  }
}
