import { Inject, Injectable } from '@nestjs/common';
import { aboveDefaults } from '#libs/engine';
import {
  assertSupported,
  decodeClusterWorkflowTemplate,
  decodeCronWorkflow,
  decodeWorkflow,
  decodeWorkflowTemplate,
  Kind,
  templateKey,
  templateKeyId,
  validateCronWorkflow,
  validateWorkflow,
  validateWorkflowTemplate,
  WorkflowInvalidError,
  type CronWorkflow,
  type Decoded,
  type Template,
  type TemplateGetter,
  type TemplateKey,
  type ValidationResult,
  type Workflow,
  type WorkflowSpec,
  type WorkflowTemplate,
} from '#libs/workflow-spec';
import { ApiError } from '../errors/errors.js';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { StoredObjects } from '../templates/stored-objects.js';
import { RuntimeGuard } from './runtime-guard.js';

/** The kinds whose specs are checked and that are stored as objects. */
export type CheckedKind = 'WorkflowTemplate' | 'ClusterWorkflowTemplate' | 'CronWorkflow';

/** As in Argo the API ignores fields that it does not know; the CLI's strict lint is who names them. */
const LENIENT = { unknownFields: 'drop' } as const;
/** Rounds of loading referred templates; each reaches at least one level deeper. */
const MAX_ROUNDS = 100;

/** A workflow that is valid: the templates that it uses, and where they were found. */
type Checked = Pick<Extract<ValidationResult, { missing: [] }>, 'references'> & { templates: TemplateGetter };

/** Reads and validates what users send, with the templates it refers to. Errors are the user's, in Argo's words. */
@Injectable()
export class WorkflowChecker {
  constructor(
    @Inject(StoredObjects) private readonly objects: StoredObjects,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
    @Inject(RuntimeGuard) private readonly guard: RuntimeGuard,
  ) {}

  /** A workflow out of a request's body, in the namespace of the URL; what does not run yet is refused by name. */
  decode(written: unknown, namespace: string): Workflow {
    return this.read(written, namespace).workflow;
  }

  /** As `decode`, with one line for each field that may have no effect. */
  read(written: unknown, namespace: string): { workflow: Workflow; warnings: readonly string[] } {
    const decoded = decodeWorkflow(written, LENIENT);
    assertSupported(decoded);
    const { status: _status, ...workflow } = decoded.object;
    const own = workflow.metadata.namespace;
    if (own !== undefined && own !== '' && namespace !== '' && own !== namespace) {
      throw new ApiError(3, 'the namespace of the provided object does not match the namespace sent on the request');
    }
    const placed = { ...workflow, metadata: { ...workflow.metadata, namespace: own || namespace } };
    return { workflow: placed, warnings: decoded.warnings };
  }

  decodeObject(kind: CheckedKind, written: unknown): WorkflowTemplate | CronWorkflow {
    const decoded: Decoded<WorkflowTemplate | CronWorkflow> =
      kind === Kind.CronWorkflow
        ? decodeCronWorkflow(written, LENIENT)
        : kind === Kind.WorkflowTemplate
          ? decodeWorkflowTemplate(written, LENIENT)
          : decodeClusterWorkflowTemplate(written, LENIENT);
    assertSupported(decoded);
    return decoded.object;
  }

  /** Validates for submission; answers the templates of other resources that it uses, as `status.storedTemplates` keys them. */
  async check(workflow: Workflow): Promise<Record<string, Template>> {
    const effective = this.withDefaults(workflow);
    const result = await this.validated((templates) => validateWorkflow(effective, { templates }));
    await this.assertHonoured(effective, result);
    return Object.fromEntries(result.references.map(({ storedName, template }) => [storedName, template]));
  }

  /** As `check`, but parameters may come later; Argo answers what is wrong with status 500. */
  async lint(workflow: Workflow): Promise<Workflow> {
    try {
      const effective = this.withDefaults(workflow);
      await this.assertHonoured(
        effective,
        await this.validated((templates) => validateWorkflow(effective, { templates, lint: true })),
      );
    } catch (error) {
      if (error instanceof WorkflowInvalidError) throw new ApiError(2, error.message, { cause: error });
      throw error;
    }
    return workflow;
  }

  async checkObject(kind: CheckedKind, object: WorkflowTemplate | CronWorkflow): Promise<void> {
    await this.validated((templates) =>
      kind === Kind.CronWorkflow
        ? validateCronWorkflow(object as CronWorkflow, { templates })
        : validateWorkflowTemplate({ ...object, kind }, { templates }),
    );
  }

  /** A workflow with all that it refers to, against what the hosts of pods can give. */
  private async assertHonoured({ metadata, spec }: Workflow, { references, templates }: Checked): Promise<void> {
    const { workflowTemplateRef: reference } = spec;
    const referred = reference === undefined ? null : templates(templateKey(metadata.namespace ?? '', reference));
    await this.guard.assertHonoured([
      spec,
      ...(referred ? [referred] : []),
      { templates: references.map(({ template }) => template) },
    ]);
  }

  /** As Argo's server: what the controller's defaults will add counts when a workflow is looked at. */
  private withDefaults(workflow: Workflow): Workflow {
    return aboveDefaults(workflow, this.context.controllerConfig?.state().config.workflowDefaults);
  }

  /** Validates again and again, each time with the templates that were missing, until nothing is. */
  private async validated(validate: (templates: TemplateGetter) => ValidationResult): Promise<Checked> {
    const loaded = new Map<string, WorkflowSpec | null>();
    const getter: TemplateGetter = (key) => loaded.get(templateKeyId(key));
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const result = validate(getter);
      if ('references' in result) return { references: result.references, templates: getter };
      for (const key of result.missing) loaded.set(templateKeyId(key), await this.load(key));
    }
    throw new ApiError(3, `the workflow refers to more than ${MAX_ROUNDS} levels of templates`);
  }

  private async load(key: TemplateKey): Promise<WorkflowSpec | null> {
    const found =
      key.kind === 'workflowTemplate'
        ? await this.objects.find('WorkflowTemplate', key.namespace, key.name)
        : await this.objects.find('ClusterWorkflowTemplate', '', key.name);
    return (found?.['spec'] as WorkflowSpec | undefined) ?? null;
  }
}
