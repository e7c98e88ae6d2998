import { configOf, duration, flag, integer, programFields, size } from '#libs/config';

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
  offloadNodeStatusTtlMs: duration({
    about: "How long offloaded versions that no record names are kept (Argo's variable).",
    byDefault: '5m',
  }),
  workflowGcPeriodMs: duration({ about: "How often such versions are looked for (Argo's variable).", byDefault: '5m' }),
  recordIntervalMs: duration({ about: 'Shortest time between two records of a workflow that is running.', byDefault: '1s' }),
  recordConcurrency: integer({ about: 'Records that one replica makes at the same time.', byDefault: 4, min: 1 }),
});
