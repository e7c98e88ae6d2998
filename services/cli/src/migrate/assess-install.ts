import { schedulesOf } from '#libs/expressions';
import {
  assertSupported,
  type ControllerConfig,
  controllerConfigNotes,
  ControllerConfigError,
  type CronWorkflowSpec,
  type Decoded,
  type DecodeOptions,
  decodeWorkflowEventBinding,
  parseControllerConfig,
  PermissionDeniedError,
  type TemplateGetter,
  templateKeyId,
  UserError,
  type WorkflowSpec,
} from '#libs/workflow-spec';
import { LINTED_KINDS } from '../lint/offline-lint.js';
import type { ArchiveReport } from './archive-report.js';
import { type ArchiveAccess, assessArchive } from './assess-archive.js';
import { type CountedNote, CountedNotes } from './counted-notes.js';
import { feltDifferencesOf } from './felt-differences.js';
import { hasEnded, type LiveWorkflows, WorkflowCensus } from './live-workflows.js';
import { MIGRATED_KINDS, type MigratedKind, type MigrationSource, type StoredObject } from './migration-source.js';
import { configurationDifferencesOf, objectDifferencesOf } from './object-differences.js';
import { fieldsNotServed, fieldsNotKnown, warningNotes } from './odd-fields.js';

/** An object that would not run here. */
export interface RefusedObject {
  kind: MigratedKind;
  namespace: string;
  name: string;
  message: string;
}

/** What would become of an installation of Argo. */
export interface MigrationReport {
  configuration: { found: boolean; keys: string[]; notes: string[]; differences: string[]; problems: string[] };
  archive: ArchiveReport;
  kinds: Record<MigratedKind, { found: number; refused: number }>;
  workflows: LiveWorkflows;
  /** Objects of Argo Events by kind, which stay as they are. */
  eventObjects: Record<string, number>;
  /** At most as many as `refusedLimit`; `kinds` counts all. */
  refused: RefusedObject[];
  /** Fields of Argo's language that do not run here, one by one. */
  refusedFields: CountedNote[];
  /** Old forms that are converted, unknown fields, ended workflows that would not be taken again. */
  warnings: CountedNote[];
  differences: CountedNote[];
}

export interface AssessOptions {
  refusedLimit?: number;
  /** Default: the archive's database is not asked. */
  archive?: ArchiveAccess;
}

const REFUSED_LIMIT = 100;

/**
 * Reads an installation and says what of it would run, what would not and why, and what its users would notice. Objects are read one
 * after the other; only templates stay in memory, as the others refer to them.
 */
export const assessInstall = async (source: MigrationSource, options: AssessOptions = {}): Promise<MigrationReport> => {
  const assessment = new Assessment(options.refusedLimit ?? REFUSED_LIMIT);
  const { config, ...configuration } = configurationOf(await source.controllerConfig());
  const templates: Kept[] = [];
  for (const kind of MIGRATED_KINDS) {
    const isTemplate = kind === 'WorkflowTemplate' || kind === 'ClusterWorkflowTemplate';
    // Templates refer to each other, in whatever order they come: they are assessed when all are known.
    for await (const object of source.objects(kind)) {
      if (isTemplate) templates.push({ kind, object });
      else assessment.take(kind, object);
    }
    if (kind !== 'ClusterWorkflowTemplate') continue;
    for (const { object } of templates) assessment.know(object);
    for (const template of templates.splice(0)) assessment.take(template.kind, template.object);
  }
  const report = assessment.report();
  const { offloaded } = report.workflows;
  const archive = await assessArchive({ config, source, offloaded }, options.archive ?? { isAsked: false });
  return { configuration, archive, ...report, eventObjects: await eventObjectsOf(source) };
};

interface Kept {
  kind: MigratedKind;
  object: StoredObject;
}

/** Who may not see them need not know of them. */
const eventObjectsOf = (source: MigrationSource): Promise<Record<string, number>> =>
  source.eventObjects().catch((error: unknown) => {
    if (error instanceof PermissionDeniedError) return {};
    throw error;
  });

const configurationOf = (
  data: Record<string, string> | undefined,
): MigrationReport['configuration'] & { config: ControllerConfig } => {
  const nothing = { found: false, keys: [], notes: [], differences: [], problems: [], config: {} };
  if (data === undefined) return nothing;
  try {
    const config = parseControllerConfig(data);
    return {
      found: true,
      keys: Object.keys(config).sort(),
      notes: [...controllerConfigNotes(config)],
      differences: configurationDifferencesOf(config),
      problems: [],
      config,
    };
  } catch (error) {
    if (!(error instanceof ControllerConfigError)) throw error;
    return { ...nothing, found: true, keys: Object.keys(data).sort(), problems: [...error.issues] };
  }
};

const DECODE = { unknownFields: 'drop', legacy: 'convert' } as const;

class Assessment {
  private readonly specs = new Map<string, WorkflowSpec>();
  private readonly kinds = Object.fromEntries(
    MIGRATED_KINDS.map((kind) => [kind, { found: 0, refused: 0 }]),
  ) as MigrationReport['kinds'];
  private readonly census = new WorkflowCensus();
  private readonly refused: RefusedObject[] = [];
  private readonly refusedFields = new CountedNotes();
  private readonly warnings = new CountedNotes();
  private readonly differences = new CountedNotes();

  constructor(private readonly refusedLimit: number) {}

  /** Others may refer to this template. */
  know({ kind, metadata: { name = '', namespace = '' }, ...fields }: StoredObject): void {
    const key =
      kind === 'ClusterWorkflowTemplate'
        ? ({ kind: 'clusterWorkflowTemplate', name } as const)
        : ({ kind: 'workflowTemplate', namespace, name } as const);
    this.specs.set(templateKeyId(key), fields['spec'] as WorkflowSpec);
  }

  take(kind: MigratedKind, object: StoredObject): void {
    this.kinds[kind].found += 1;
    if (kind === 'Workflow') this.census.take(object);
    const { name = object.metadata.generateName ?? '', namespace = '' } = object.metadata;
    const example = [namespace, name].filter((part) => part !== '').join('/');
    try {
      this.look(kind, object, example);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (kind === 'Workflow' && hasEnded(object)) {
        this.warnings.add([`has ended, and would not be taken again: ${error.message}`], example);
        return;
      }
      this.kinds[kind].refused += 1;
      if (this.refused.length < this.refusedLimit) this.refused.push({ kind, namespace, name, message: error.message });
    }
  }

  report(): Omit<MigrationReport, 'configuration' | 'archive' | 'eventObjects'> {
    return {
      kinds: this.kinds,
      workflows: this.census.report(),
      refused: this.refused,
      refusedFields: this.refusedFields.list(),
      warnings: this.warnings.list(),
      differences: this.differences.list(),
    };
  }

  /** Notes what is to be said of an object. Throws UserError where it would be refused. */
  private look(kind: MigratedKind, object: StoredObject, example: string): void {
    const linted = LINTED_KINDS[kind];
    const decode = (how: DecodeOptions): Decoded<unknown> =>
      linted === undefined ? decodeWorkflowEventBinding(object, how) : linted.decode(object, how);
    const decoded = decode(DECODE);
    this.warnings.add([...warningNotes(decoded), ...fieldsNotKnown(() => decode({ legacy: 'convert' }))], example);
    this.refusedFields.add(fieldsNotServed(decoded), example);
    const spec = specOf(kind, decoded);
    if (spec !== undefined)
      this.differences.add([...feltDifferencesOf(spec), ...objectDifferencesOf(kind, object, decoded, spec)], example);
    assertSupported(decoded);
    if (kind === 'CronWorkflow') assertZones(decoded);
    linted?.check(begunWith(object), this.templates, DECODE);
  }

  private readonly templates: TemplateGetter = (key) => this.specs.get(templateKeyId(key)) ?? null;
}

const specOf = (kind: MigratedKind, { object }: Decoded<unknown>): WorkflowSpec | undefined => {
  if (kind === 'WorkflowEventBinding') return undefined;
  const { spec } = object as { spec: WorkflowSpec };
  return kind === 'CronWorkflow' ? (spec as unknown as CronWorkflowSpec).workflowSpec : spec;
};

/** A workflow that has begun keeps the template that it was begun with, whatever has become of that. */
const begunWith = (object: StoredObject): StoredObject => {
  const stored = object.status?.storedWorkflowTemplateSpec;
  if (stored === undefined) return object;
  const { workflowTemplateRef: _gone, ...spec } = stored;
  return { ...object, spec };
};

/** Throws UserError for a zone or an expression that no schedule can be made of. */
const assertZones = ({ object }: Decoded<unknown>): void => {
  const { spec } = object as { spec: CronWorkflowSpec };
  try {
    schedulesOf(spec);
  } catch (error) {
    throw new UserError((error as Error).message, { cause: error });
  }
};
