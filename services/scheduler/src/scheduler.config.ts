import { configOf, duration, integer, oneOf, optionalText, programFields, size, text } from '#libs/config';

/** Variables of the scheduler. */
export const configSchema = configOf({
  ...programFields,
  reconcileConcurrency: integer({ about: 'Workflows that one replica decides at the same time.', byDefault: 16, min: 1 }),
  stateCacheBytes: size({ about: 'Memory for the states of workflows that were decided last.', byDefault: '128Mi' }),
  inboxBatch: integer({ about: 'Most reports and requests taken into one decision.', byDefault: 500, min: 1 }),
  retentionIntervalMs: duration({ about: 'How often workflows are looked for whose TTL has passed.', byDefault: '5s' }),
  scheduleIntervalMs: duration({ about: 'How often the ticks of CronWorkflows are looked for.', byDefault: '1s' }),
  cacheGcPeriodMs: duration({
    about: 'How often remembered outputs are looked for that nobody has asked for; 0: never.',
    byDefault: '0s',
  }),
  cacheGcAfterNotHitDurationMs: duration({ about: 'After how long without a hit they are forgotten.', byDefault: '30s' }),
  metricsTtlMs: duration({
    about: 'Series of metrics that workflows define go after so long without a new value; 0: never.',
    byDefault: '0s',
  }),
  parallelism: integer({
    about: 'Most workflows that run at the same time; 0: any number. The rest wait, Pending.',
    byDefault: 0,
    min: 0,
  }),
  namespaceParallelism: integer({ about: 'The same for each namespace.', byDefault: 0, min: 0 }),
  namespaceParallelismLimits: optionalText({
    about: 'The same for single namespaces, as team-a=3,team-b=10: goes before the one for each; 0: any number there.',
  }),
  admissionIntervalMs: duration({
    about:
      'How often changed limits of semaphores and of running workflows are noticed, and permits of workflows that are gone are freed.',
    byDefault: '2s',
  }),
  transientErrorPattern: optionalText({
    about:
      'Regular expression (Go) for messages of errors that pass by themselves; retryPolicy OnTransientError knows them beside its own.',
  }),
  workflowUserOverrideAllowlist: optionalText({
    about:
      'Fields of a workflow spec, comma-separated, that workflows may set themselves under workflowRestrictions, beside those that always may be.',
  }),
  retryHostNameLabelKey: text({
    about: "Label of a host's name, for retries on another host.",
    byDefault: 'kubernetes.io/hostname',
  }),
  podNames: oneOf({
    about: "Argo's naming of pods: v2 has the template's name in it, v1 is the node id.",
    choices: ['v2', 'v1'],
    byDefault: 'v2',
  }),
  artifactRepository: optionalText({
    about:
      'Default artifact repository as YAML or JSON, for example {"s3":{"bucket":"b","endpoint":"s3:9000"}}; none where absent.',
  }),
});
