import { ConfigError, type ConfigOf } from '#libs/config';
import { compressionProblem, type NodesCompression } from '#libs/store';
import type { configSchema } from './offloader.config.js';
import type { OffloaderSettings } from './offloader.module.js';

type Config = ConfigOf<typeof configSchema>;

/** Refused at the start rather than at the first record that is too large. */
const compressionOf = ({
  workflowCompressionAlgorithm: algorithm,
  workflowCompressionLevel: level,
}: Config): NodesCompression => {
  const compression = { algorithm, ...(level === undefined ? {} : { level }) };
  const found = compressionProblem(compression);
  if (found === undefined) return compression;
  const variable = found.level ? 'WORKFLOW_COMPRESSION_LEVEL' : 'WORKFLOW_COMPRESSION_ALGORITHM';
  throw new ConfigError([{ variable, problem: found.problem }]);
};

/** The module's settings out of the program's variables. Throws ConfigError for a compression that this Node does not have. */
export const offloaderSettings = (config: Config): OffloaderSettings => ({
  maxSizeBytes: config.maxWorkflowSizeBytes,
  alwaysOffload: config.alwaysOffloadNodeStatus,
  offload: config.nodeStatusOffload,
  compression: compressionOf(config),
  intervalMs: config.recordIntervalMs,
  recordConcurrency: config.recordConcurrency,
  pruneIntervalMs: config.workflowGcPeriodMs,
  offloadTtlMs: config.offloadNodeStatusTtlMs,
});
