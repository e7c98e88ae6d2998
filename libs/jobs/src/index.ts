export { ArchiveJob, ArtifactGcJob, JobCatalogue, POD_BUCKETS, PodJob, RecordJob, WorkflowJob } from './catalogue.js';
export type { Job, JobPayload } from './catalogue.js';
export { HandlerBindingError } from './errors.js';
export { assertHandlersMatch } from './handler-check.js';
export { queueNameOf } from './job.js';
export type { JobDefinition, JobRoute, PayloadOf } from './job.js';
export type { JobOutcome, JobQueue } from './job-queue.js';
