import { API_VERSION } from '../label-names.js';
import { OPEN_OBJECT, structuralSchema, type StructuralSchema } from './structural-schema.js';

/** A CustomResourceDefinition (apiextensions.k8s.io/v1). */
export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string };
  spec: StructuralSchema;
}

interface Column {
  name: string;
  type: 'string' | 'integer' | 'date' | 'boolean';
  jsonPath: string;
  description?: string;
  /** Above 0: only with `-o wide`. */
  priority?: number;
}

interface DefinedKind {
  kind: string;
  plural: string;
  shortNames?: string[];
  isClusterScoped?: boolean;
  description: string;
  spec?: StructuralSchema;
  /** Fields beside metadata and spec. */
  fields?: Record<string, StructuralSchema>;
  /** Whether `status` is written apart from the rest. */
  hasStatusPart?: boolean;
  columns?: Column[];
}

const AGE: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const described = (description: string, schema: StructuralSchema): StructuralSchema => ({ description, ...schema });

const KINDS: readonly DefinedKind[] = [
  {
    kind: 'Workflow',
    plural: 'workflows',
    shortNames: ['wf'],
    description: 'Workflow is one run: what is to be done, and in its status how far that is.',
    spec: described(
      'What is to be done. Changed while it runs, it is what begins from then on.',
      structuralSchema('WorkflowSpec'),
    ),
    fields: { status: described('How far the run is: phase, message, nodes. Written by Argosy only.', OPEN_OBJECT) },
    columns: [
      { name: 'Status', type: 'string', jsonPath: '.status.phase', description: 'Pending, Running, Succeeded, Failed or Error' },
      {
        name: 'Progress',
        type: 'string',
        jsonPath: '.status.progress',
        description: 'Pods that have ended, of all known by now',
      },
      { name: 'Age', type: 'date', jsonPath: '.status.startedAt', description: 'Since it began' },
      { name: 'Message', type: 'string', jsonPath: '.status.message', description: 'Why it is so', priority: 1 },
    ],
  },
  {
    kind: 'WorkflowTemplate',
    plural: 'workflowtemplates',
    shortNames: ['wftmpl'],
    description: 'WorkflowTemplate is a workflow to be run by name, and a library of templates for others of its namespace.',
    spec: described('The spec of workflows that run it; what they say themselves goes before.', structuralSchema('WorkflowSpec')),
    columns: [AGE],
  },
  {
    kind: 'ClusterWorkflowTemplate',
    plural: 'clusterworkflowtemplates',
    shortNames: ['clusterwftmpl', 'cwft'],
    isClusterScoped: true,
    description: 'ClusterWorkflowTemplate is a WorkflowTemplate for all namespaces.',
    spec: described('The spec of workflows that run it; what they say themselves goes before.', structuralSchema('WorkflowSpec')),
    columns: [AGE],
  },
  {
    kind: 'CronWorkflow',
    plural: 'cronworkflows',
    shortNames: ['cwf', 'cronwf'],
    description: 'CronWorkflow makes workflows at given times.',
    spec: described('Which workflows are made, and when.', structuralSchema('CronWorkflowSpec')),
    fields: { status: described('When it made the last one, and which are running. Written by Argosy only.', OPEN_OBJECT) },
    columns: [
      { name: 'Schedules', type: 'string', jsonPath: '.spec.schedules' },
      { name: 'Suspended', type: 'boolean', jsonPath: '.spec.suspend' },
      { name: 'Last Run', type: 'date', jsonPath: '.status.lastScheduledTime' },
      AGE,
    ],
  },
  {
    kind: 'WorkflowEventBinding',
    plural: 'workfloweventbindings',
    shortNames: ['wfeb'],
    description: 'WorkflowEventBinding makes workflows of events that are sent to the server.',
    spec: described('Which events make which workflow.', structuralSchema('WorkflowEventBindingSpec')),
    columns: [AGE],
  },
  {
    kind: 'WorkflowTaskSet',
    plural: 'workflowtasksets',
    shortNames: ['wfts'],
    description: 'WorkflowTaskSet holds what an agent is to do for a workflow. Not written by people.',
    spec: OPEN_OBJECT,
    fields: { status: OPEN_OBJECT },
    hasStatusPart: true,
    columns: [AGE],
  },
  {
    kind: 'WorkflowTaskResult',
    plural: 'workflowtaskresults',
    description: 'WorkflowTaskResult holds outputs that a pod reports. Not written by people.',
    fields: {
      phase: { type: 'string' },
      message: { type: 'string' },
      progress: { type: 'string' },
      outputs: OPEN_OBJECT,
    },
    columns: [AGE],
  },
  {
    kind: 'WorkflowArtifactGCTask',
    plural: 'workflowartifactgctasks',
    shortNames: ['wfat'],
    description: 'WorkflowArtifactGCTask holds artifacts that a pod is to delete. Not written by people.',
    spec: OPEN_OBJECT,
    fields: { status: OPEN_OBJECT },
    hasStatusPart: true,
    columns: [AGE],
  },
];

const [GROUP = '', VERSION = ''] = API_VERSION.split('/');

const definitionOf = (defined: DefinedKind): CustomResourceDefinition => {
  const { kind, plural, shortNames, description, spec, fields = {}, columns } = defined;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), ...(shortNames ? { shortNames } : {}) },
      scope: defined.isClusterScoped ? 'Cluster' : 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          ...(columns ? { additionalPrinterColumns: columns.map((column) => ({ ...column })) } : {}),
          ...(defined.hasStatusPart ? { subresources: { status: {} } } : {}),
          schema: {
            openAPIV3Schema: {
              description,
              type: 'object',
              required: ['metadata', ...(spec ? ['spec'] : [])],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                ...(spec ? { spec: { ...spec, nullable: false } } : {}),
                ...fields,
              },
            },
          },
        },
      ],
    },
  };
};

/**
 * The definitions of all kinds for a cluster that has none, made of the table that the decoder uses. As in Argo, `status` of workflows is
 * no part of its own: whoever may change a workflow may change it.
 */
export const customResourceDefinitions = (): CustomResourceDefinition[] => KINDS.map(definitionOf);
