import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeWorkflow, decodeWorkflowTemplate, type Workflow } from '#libs/workflow-spec';

export type RecordedObject = Record<string, unknown> & { kind: string; metadata: { name: string; namespace?: string } };

/** What the real Argo did with one workflow. See the README beside the recordings. */
export interface Recording {
  name: string;
  group: string;
  /** What the examples need: S nothing, O one object, A a store, C features of pods, K Kubernetes itself. */
  class?: string;
  workflow: Workflow;
  status?: { phase?: string; message?: string; nodes?: unknown[] };
  refused?: string;
  others?: RecordedObject[];
  actions?: string[];
  first?: boolean;
  argoNeverEnds?: boolean;
}

const INVALID = /^invalid spec: ([\s\S]*)$/;

const NO_TEMPLATE = /^workflowtemplates\.argoproj\.io "(.+)" not found$/;

/** The message with which the API refuses what the controller marks as invalid; undefined where it is accepted. */
export const refusalOf = ({ refused, status }: Recording, namespace: string): string | undefined => {
  if (refused !== undefined) return refused;
  if (status?.nodes !== undefined && status.nodes.length > 0) return undefined;
  const absent = NO_TEMPLATE.exec(status?.message ?? '')?.[1];
  if (absent !== undefined) return `couldn't find workflow template "${absent}" in namespace "${namespace}"`;
  return INVALID.exec(status?.message ?? '')?.[1];
};

export const readRecordings = (folder: string, group: string): Recording[] =>
  readdirSync(path.join(folder, group))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      ...(JSON.parse(readFileSync(path.join(folder, group, file), 'utf8')) as Recording),
      name: file.replace(/\.json$/, ''),
      group,
    }));

/** Fields of the language that do not run yet, in the workflow or in what it refers to; empty: it can be run. */
export const unsupportedIn = ({ workflow, others = [] }: Recording): string[] => {
  const object = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', ...workflow };
  const templates = others.filter(({ kind }) => kind === 'WorkflowTemplate' || kind === 'ClusterWorkflowTemplate');
  const foreign = others.filter(
    ({ kind }) => !['WorkflowTemplate', 'ClusterWorkflowTemplate', 'ConfigMap', 'Secret'].includes(kind),
  );
  return [
    ...decodeWorkflow(object, { unknownFields: 'drop' }).unsupported,
    ...templates.flatMap(
      (template) => decodeWorkflowTemplate({ ...template, kind: 'WorkflowTemplate' }, { unknownFields: 'drop' }).unsupported,
    ),
    ...foreign.map(({ kind }) => `kind ${kind}`),
  ];
};
