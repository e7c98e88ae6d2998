import {
  controllerConfigNotes,
  ControllerConfigError,
  decodeWorkflowEventBinding,
  parseControllerConfig,
  type TemplateGetter,
  templateKeyId,
  UserError,
  type WorkflowSpec,
} from '#libs/workflow-spec';
import { LINTED_KINDS, specIn } from '../lint/offline-lint.js';
import { feltDifferencesOf } from './felt-differences.js';
import { MIGRATED_KINDS, type MigratedKind, type MigrationSource, type StoredObject } from './migration-source.js';

/** An object that would not run here. */
export interface RefusedObject {
  kind: MigratedKind;
  namespace: string;
  name: string;
  message: string;
}

/** Something said of many objects: how many, and one of them. */
export interface CountedNote {
  note: string;
  objects: number;
  example: string;
}

/** What would become of an installation of Argo. */
export interface MigrationReport {
  configuration: { found: boolean; keys: string[]; notes: string[]; problems: string[] };
  kinds: Record<MigratedKind, { found: number; refused: number }>;
  /** Workflows by phase; '' has not begun. */
  workflowPhases: Record<string, number>;
  /** At most as many as `refusedLimit`; `kinds` counts all. */
  refused: RefusedObject[];
  /** Old forms that are converted, fields that only place. */
  warnings: CountedNote[];
  differences: CountedNote[];
}

export interface AssessOptions {
  refusedLimit?: number;
}

const REFUSED_LIMIT = 100;
const ENDED = new Set(['Succeeded', 'Failed', 'Error']);

/**
 * Reads an installation and says what of it would run, what would not and why, and what its users would notice. Objects are read one
 * after the other; only templates stay in memory, as the others refer to them.
 */
export const assessInstall = async (source: MigrationSource, options: AssessOptions = {}): Promise<MigrationReport> => {
  const assessment = new Assessment(options.refusedLimit ?? REFUSED_LIMIT);
  const configuration = configurationOf(await source.controllerConfig());
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
  return { configuration, ...assessment.report() };
};

interface Kept {
  kind: MigratedKind;
  object: StoredObject;
}

const configurationOf = (data: Record<string, string> | undefined): MigrationReport['configuration'] => {
  if (data === undefined) return { found: false, keys: [], notes: [], problems: [] };
  try {
    const config = parseControllerConfig(data);
    return { found: true, keys: Object.keys(config).sort(), notes: [...controllerConfigNotes(config)], problems: [] };
  } catch (error) {
    if (!(error instanceof ControllerConfigError)) throw error;
    return { found: true, keys: Object.keys(data).sort(), notes: [], problems: [...error.issues] };
  }
};

const DECODE = { unknownFields: 'drop', legacy: 'convert' } as const;

class Assessment {
  private readonly specs = new Map<string, WorkflowSpec>();
  private readonly kinds = Object.fromEntries(
    MIGRATED_KINDS.map((kind) => [kind, { found: 0, refused: 0 }]),
  ) as MigrationReport['kinds'];
  private readonly phases: Record<string, number> = {};
  private readonly refused: RefusedObject[] = [];
  private readonly warnings = new Map<string, CountedNote>();
  private readonly differences = new Map<string, CountedNote>();

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
    const { name = object.metadata.generateName ?? '', namespace = '' } = object.metadata;
    const example = [namespace, name].filter((part) => part !== '').join('/');
    if (kind === 'Workflow') this.countPhase(object);
    try {
      const { warnings, spec } = this.check(kind, object);
      for (const note of warnings) count(this.warnings, note, example);
      for (const note of spec === undefined ? [] : feltDifferencesOf(spec)) count(this.differences, note, example);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.kinds[kind].refused += 1;
      if (this.refused.length < this.refusedLimit) this.refused.push({ kind, namespace, name, message: error.message });
    }
  }

  report(): Omit<MigrationReport, 'configuration'> {
    return {
      kinds: this.kinds,
      workflowPhases: this.phases,
      refused: this.refused,
      warnings: [...this.warnings.values()],
      differences: [...this.differences.values()],
    };
  }

  private check(kind: MigratedKind, object: StoredObject): { warnings: readonly string[]; spec: WorkflowSpec | undefined } {
    const linted = LINTED_KINDS[kind];
    if (linted === undefined) return { warnings: decodeWorkflowEventBinding(object, DECODE).warnings, spec: undefined };
    const { warnings } = linted.decode(object, DECODE);
    linted.check(object, this.templates, DECODE);
    return { warnings, spec: specIn(object, kind)?.spec };
  }

  private readonly templates: TemplateGetter = (key) => this.specs.get(templateKeyId(key)) ?? null;

  private countPhase(object: StoredObject): void {
    const phase = (object['status'] as { phase?: string } | undefined)?.phase ?? '';
    this.phases[phase] = (this.phases[phase] ?? 0) + 1;
  }
}

const count = (notes: Map<string, CountedNote>, note: string, example: string): void => {
  const known = notes.get(note);
  if (known) known.objects += 1;
  else notes.set(note, { note, objects: 1, example });
};

/** Workflows that have begun and not ended. */
export const unfinishedCountOf = ({ workflowPhases }: MigrationReport): number =>
  Object.entries(workflowPhases).reduce((sum, [phase, objects]) => sum + (ENDED.has(phase) ? 0 : objects), 0);
