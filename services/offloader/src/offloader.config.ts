import { configOf, duration, flag, integer, oneOf, optionalInteger, programFields, size } from '#libs/config';
import { COMPRESSION_ALGORITHMS } from '#libs/store';

/** Variables of the offloader. */
export const configSchema = configOf({
  ...programFields,
  maxWorkflowSizeBytes: size({
    about: "Largest public record; larger ones keep their nodes compressed, then offloaded (Argo's variable).",
    byDefault: '1048576',
  }),
  alwaysOffloadNodeStatus: flag({
    about: "Offloads the nodes of every workflow, whatever its size (Argo's variable).",
    byDefault: false,
  }),
  nodeStatusOffload: flag({
    about: "Whether nodes may be offloaded where the controller's ConfigMap has no `persistence`.",
    byDefault: true,
  }),
  workflowCompressionAlgorithm: oneOf({
    about: "What packs the nodes of records that are too large (Argo's variable); all are read. zstd needs Node 22.15.",
    choices: COMPRESSION_ALGORITHMS,
    byDefault: 'gzip',
  }),
  workflowCompressionLevel: optionalInteger({
    about: "Its level (Argo's variable): gzip -1 to 9, zstd 1 to 22, brotli 0 to 11; where absent 6, 3 and 6.",
    min: -1,
  }),
  offloadNodeStatusTtlMs: duration({
    about: "How long offloaded versions that no record names are kept (Argo's variable).",
    byDefault: '5m',
  }),
  workflowGcPeriodMs: duration({ about: "How often such versions are looked for (Argo's variable); 0: never.", byDefault: '5m' }),
  recordIntervalMs: duration({ about: 'Shortest time between two records of a workflow that is running.', byDefault: '1s' }),
  recordConcurrency: integer({ about: 'Records that one replica makes at the same time.', byDefault: 4, min: 1 }),
});
