import { aboveDefaults } from '#libs/engine';
import { ResourceNotFoundError, type ResourceStore } from '#libs/resources';
import {
  assertSupported,
  decodeWorkflow,
  type Template,
  templateKeyId,
  type TemplateKey,
  UserError,
  validateWorkflow,
  type Workflow,
  type WorkflowDefaults,
  type WorkflowSpec,
} from '#libs/workflow-spec';

/** Rounds of loading referred templates; each reaches at least one level deeper. */
const MAX_ROUNDS = 100;

/** A run that may be submitted, or why not. */
export type CheckedChild = { storedTemplates: Record<string, Template> } | { problem: string };

/** Validates runs of schedules as a submission would be, with the templates as they are now. */
export class ChildChecker {
  constructor(
    private readonly resources: Pick<ResourceStore, 'get'>,
    private readonly defaults: () => WorkflowDefaults | undefined = () => undefined,
  ) {}

  /** Throws TransientError where templates cannot be read now. */
  async check(workflow: Workflow): Promise<CheckedChild> {
    const effective = aboveDefaults(workflow, this.defaults());
    const loaded = new Map<string, WorkflowSpec | null>();
    try {
      assertSupported(decodeWorkflow({ metadata: workflow.metadata, spec: workflow.spec }, { unknownFields: 'drop' }));
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const result = validateWorkflow(effective, { templates: (key) => loaded.get(templateKeyId(key)) });
        if ('references' in result) {
          return {
            storedTemplates: Object.fromEntries(result.references.map(({ storedName, template }) => [storedName, template])),
          };
        }
        for (const key of result.missing) loaded.set(templateKeyId(key), await this.load(key));
      }
      return { problem: `the workflow refers to more than ${MAX_ROUNDS} levels of templates` };
    } catch (error) {
      if (error instanceof UserError) return { problem: error.message };
      throw error;
    }
  }

  private async load(key: TemplateKey): Promise<WorkflowSpec | null> {
    const place =
      key.kind === 'workflowTemplate'
        ? { kind: 'WorkflowTemplate', namespace: key.namespace, name: key.name }
        : { kind: 'ClusterWorkflowTemplate', namespace: '', name: key.name };
    const found = await this.resources.get(place).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    });
    return (found?.['spec'] as WorkflowSpec | undefined) ?? null;
  }
}
