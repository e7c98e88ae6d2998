import { DecodeError, NotSupportedError } from '../errors.js';
import { API_VERSION, Kind } from '../label-names.js';
import type {
  ClusterWorkflowTemplate,
  CronWorkflow,
  JsonValue,
  Workflow,
  WorkflowEventBinding,
  WorkflowSpec,
  WorkflowTemplate,
} from '../model/workflow.js';
import { convertLegacy } from '../legacy/convert-legacy.js';
import { Decoder, type DecodeFindings } from './decoder.js';

/** An object of its kind, and what is to be said about it. */
export interface Decoded<T> {
  object: T;
  /** One line per field of Argo's language that does not run yet; `assertSupported` turns them into an error. */
  unsupported: readonly string[];
  /** One line per field that may have no effect on the runtime. */
  warnings: readonly string[];
}

const typeIssues = (findings: DecodeFindings): string[] => [
  ...findings.wrongTypes,
  ...(findings.unknownFields.length === 0 ? [] : [`strict decoding error: ${findings.unknownFields.join(', ')}`]),
];

const headIssues = (kind: string, value: unknown): string[] => {
  const head = (typeof value === 'object' && value !== null ? value : {}) as { apiVersion?: unknown; kind?: unknown };
  const issues: string[] = [];
  if (head.kind !== undefined && head.kind !== kind)
    issues.push(`kind: must be ${kind}, found ${JSON.stringify(head.kind).slice(0, 80)}`);
  if (head.apiVersion !== undefined && head.apiVersion !== API_VERSION) {
    issues.push(`apiVersion: must be ${API_VERSION}, found ${JSON.stringify(head.apiVersion).slice(0, 80)}`);
  }
  return issues;
};

export interface DecodeOptions {
  /** Argo's server drops what it does not know, its linter refuses it. Default: refuse. */
  unknownFields?: 'refuse' | 'drop';
  /** Forms that Argo 4.0 removed are rewritten with a warning, or unknown fields. Default: as strict as `unknownFields`. */
  legacy?: 'convert' | 'refuse';
}

const decodeKind = <T>(kind: string, value: unknown, options: DecodeOptions): Decoded<T> => {
  const { unknownFields = 'refuse' } = options;
  const legacy = options.legacy ?? (unknownFields === 'drop' ? 'convert' : 'refuse');
  const current = legacy === 'convert' ? convertLegacy(withKind(kind, value)) : { value, changes: [] };
  const decoder = new Decoder();
  const decoded = decoder.decode(kind, current.value);
  if (unknownFields === 'drop') decoder.findings.unknownFields = [];
  const issues = [...headIssues(kind, value), ...typeIssues(decoder.findings)];
  if (issues.length > 0) throw new DecodeError(issues);
  const body = decoded as { [key: string]: JsonValue };
  return {
    object: { apiVersion: API_VERSION, kind, metadata: {}, spec: {}, ...body } as T,
    unsupported: decoder.findings.unsupported,
    warnings: [...current.changes, ...decoder.findings.warnings],
  };
};

const withKind = (kind: string, value: unknown): JsonValue =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { kind, ...value } : (value as JsonValue);

/** A Workflow from a parsed YAML or JSON value: nulls dropped, AnyStrings as text. DecodeError names unknown fields and wrong types with their path. */
export const decodeWorkflow = (value: unknown, options: DecodeOptions = {}): Decoded<Workflow> =>
  decodeKind<Workflow>(Kind.Workflow, value, options);

/** A WorkflowTemplate; as `decodeWorkflow`. */
export const decodeWorkflowTemplate = (value: unknown, options: DecodeOptions = {}): Decoded<WorkflowTemplate> =>
  decodeKind<WorkflowTemplate>(Kind.WorkflowTemplate, value, options);

/** A ClusterWorkflowTemplate; as `decodeWorkflow`. */
export const decodeClusterWorkflowTemplate = (value: unknown, options: DecodeOptions = {}): Decoded<ClusterWorkflowTemplate> =>
  decodeKind<ClusterWorkflowTemplate>(Kind.ClusterWorkflowTemplate, value, options);

/** A CronWorkflow; as `decodeWorkflow`. */
export const decodeCronWorkflow = (value: unknown, options: DecodeOptions = {}): Decoded<CronWorkflow> =>
  decodeKind<CronWorkflow>(Kind.CronWorkflow, value, options);

/** A WorkflowEventBinding; as `decodeWorkflow`. Its parameters come from events (`valueFrom.event`) and from nowhere else. */
export const decodeWorkflowEventBinding = (value: unknown, options: DecodeOptions = {}): Decoded<WorkflowEventBinding> =>
  decodeKind<WorkflowEventBinding>(Kind.WorkflowEventBinding, value, options);

/** A bare workflow spec, as stored templates carry it. */
export const decodeWorkflowSpec = (value: unknown): Decoded<WorkflowSpec> => {
  const { object, unsupported, warnings } = decodeWorkflow({ spec: value });
  return { object: object.spec, unsupported, warnings };
};

/** Refuses an object with fields that do not run yet (`template main: field http is not supported yet`): NotSupportedError with all of them. */
export const assertSupported = (decoded: Decoded<unknown>): void => {
  if (decoded.unsupported.length > 0) throw new NotSupportedError(decoded.unsupported.join('; '));
};
