export { sharedFolder, sharedFolderHint } from './shared-folder.js';
export { describeArtifactDriver, type ArtifactDriverUnderTest } from './contracts/artifact-driver.js';
export { postgresTemplate, type TestDatabase } from './postgres.js';
export { jobQueueContract, type JobQueueUnderTest } from './contracts/job-queue.js';
export { eventually } from './eventually.js';
export { MemoryJobQueue, RecordingJobQueue, type RecordedWake } from './memory-job-queue.js';
export { missingPart, MissingPartError } from './real-part.js';
export { randomPrefix, redisProgram, startRedis, type TestRedis } from './redis.js';
