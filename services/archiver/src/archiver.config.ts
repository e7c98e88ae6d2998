import { configOf, duration, flag, integer, optionalDuration, programFields, text } from '#libs/config';

/** Variables of the archiver. */
export const configSchema = configOf({
  ...programFields,
  archive: flag({ about: 'Whether finished workflows are written into the archive.', byDefault: true }),
  archiveLabelSelector: text({
    about: 'Archives only workflows with these labels, for example team=a,env!=test; all where empty.',
    byDefault: '',
  }),
  archiveTtlMs: optionalDuration({
    about: 'How long archived workflows are kept, for example 720h; for ever where absent or 0.',
  }),
  archivedWorkflowGcPeriodMs: duration({
    about:
      "How often the archive is looked through for older ones (Argo's variable); 0: at the start and when the ConfigMap changes.",
    byDefault: '24h',
  }),
  archiveConcurrency: integer({ about: 'Workflows that one replica archives at the same time.', byDefault: 4, min: 1 }),
});
