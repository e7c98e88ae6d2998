import { configOf, duration, integer, oneOf, optionalText, programFields, size } from '#libs/config';

/** Variables of the scheduler. */
export const configSchema = configOf({
  ...programFields,
  reconcileConcurrency: integer({ about: 'Workflows that one replica decides at the same time.', byDefault: 16, min: 1 }),
  stateCacheBytes: size({ about: 'Memory for the states of workflows that were decided last.', byDefault: '128Mi' }),
  inboxBatch: integer({ about: 'Most reports and requests taken into one decision.', byDefault: 500, min: 1 }),
  retentionIntervalMs: duration({ about: 'How often workflows are looked for whose TTL has passed.', byDefault: '5s' }),
  scheduleIntervalMs: duration({ about: 'How often the ticks of CronWorkflows are looked for.', byDefault: '1s' }),
  podNames: oneOf({
    about: "Argo's naming of pods: v2 has the template's name in it, v1 is the node id.",
    choices: ['v2', 'v1'],
    byDefault: 'v2',
  }),
  artifactRepository: optionalText({
    about: 'Default artifact repository as JSON, for example {"s3":{"bucket":"b","endpoint":"s3:9000"}}; none where absent.',
  }),
});
