import { z } from 'zod';

import { type JobDefinition, type PayloadOf } from './job.js';

/** Pods of one workflow are spread over this many buckets, so that no hint stands for more than a slice of a large workflow. */
export const POD_BUCKETS = 64;

const workflowPayload = z.strictObject({ workflow: z.string().min(1) });
const podPayload = z.strictObject({
  workflow: z.string().min(1),
  bucket: z
    .number()
    .int()
    .min(0)
    .max(POD_BUCKETS - 1),
  host: z.string().min(1).optional(),
});

type WorkflowPayload = z.infer<typeof workflowPayload>;
type PodPayload = z.infer<typeof podPayload>;

const byWorkflow = ({ workflow }: WorkflowPayload): string => workflow;

/** A workflow has something to decide: a report, a request, a permit or a timer. Payload: the workflow's uid. */
export const WorkflowJob: JobDefinition<WorkflowPayload> = {
  queue: 'workflow',
  pattern: 'workflow.reconcile',
  payload: workflowPayload,
  keyOf: byWorkflow,
  concurrency: 16,
  producers: ['server', 'scheduler', 'pod-manager', 'archiver', 'artifact-gc'],
  consumer: 'scheduler',
  summary: 'Reads the state and the inbox of one workflow, decides, and commits what changed.',
};

/** Pods of one bucket of a workflow differ from what is desired. `host` routes it to the one manager that runs those pods. */
export const PodJob: JobDefinition<PodPayload> = {
  queue: 'pod',
  pattern: 'pod.converge',
  payload: podPayload,
  keyOf: ({ workflow, bucket }) => `${workflow}/${bucket}`,
  laneOf: ({ host }) => host,
  concurrency: 16,
  producers: ['scheduler'],
  consumer: 'pod-manager',
  summary: 'Creates, terminates and deletes the pods of one bucket of a workflow until they are as desired.',
};

/** The public record of a workflow is older than its rows. Payload: the workflow's uid. */
export const RecordJob: JobDefinition<WorkflowPayload> = {
  queue: 'record',
  pattern: 'record.project',
  payload: workflowPayload,
  keyOf: byWorkflow,
  concurrency: 4,
  producers: ['scheduler'],
  consumer: 'offloader',
  summary: 'Writes the size-limited public record of one workflow: inline, compressed or offloaded.',
};

/** A workflow is finished and has to be in the archive. Payload: the workflow's uid. */
export const ArchiveJob: JobDefinition<WorkflowPayload> = {
  queue: 'archive',
  pattern: 'archive.store',
  payload: workflowPayload,
  keyOf: byWorkflow,
  concurrency: 4,
  producers: ['scheduler'],
  consumer: 'archiver',
  summary: 'Writes one finished workflow into the archive tables.',
};

/** Artifacts of a workflow have to be deleted by its strategy. Payload: the workflow's uid. */
export const ArtifactGcJob: JobDefinition<WorkflowPayload> = {
  queue: 'artifact-gc',
  pattern: 'artifact-gc.collect',
  payload: workflowPayload,
  keyOf: byWorkflow,
  concurrency: 4,
  producers: ['scheduler'],
  consumer: 'artifact-gc',
  summary: 'Deletes the artifacts of one workflow, object by object.',
};

/** Every job there is, by queue name. */
export const JobCatalogue = {
  workflow: WorkflowJob,
  pod: PodJob,
  record: RecordJob,
  archive: ArchiveJob,
  'artifact-gc': ArtifactGcJob,
} as const;

/** One of the catalogue's jobs. */
export type Job = (typeof JobCatalogue)[keyof typeof JobCatalogue];

/** The payload of any of the catalogue's jobs. */
export type JobPayload = PayloadOf<Job>;
