import { artifactStoreFields, configOf, duration, integer, optionalText, programFields, text } from '#libs/config';

/** Variables of artifact-gc. */
export const configSchema = configOf({
  ...programFields,
  ...artifactStoreFields,
  artifactRepository: optionalText({
    about: 'Default artifact repository as YAML or JSON, lent to artifacts that give only a key; none where absent.',
  }),
  dataDir: text({
    about: 'Folder under which the filesystem artifact driver keeps its objects (`artifacts` in it).',
    byDefault: './.argosy',
  }),
  artifactGcConcurrency: integer({
    about: 'Workflows whose artifacts one replica deletes at the same time.',
    byDefault: 4,
    min: 1,
  }),
  artifactGcObjectsPerJob: integer({
    about: 'Objects of one workflow that are deleted before others have their turn.',
    byDefault: 2000,
    min: 1,
  }),
  artifactGcParallelDeletions: integer({
    about: 'Requests of one workflow to a store under way at the same time.',
    byDefault: 8,
    min: 1,
    max: 100,
  }),
  artifactGcRetryBase: duration({
    about: 'Pause after the first failure of a deletion; it doubles with each further one.',
    byDefault: '5s',
  }),
  artifactGcRetryLongest: duration({ about: 'Longest pause between two tries of a deletion.', byDefault: '1h' }),
  artifactGcKeepFinished: duration({
    about: 'How long the rows of finished deletions are kept to be looked at after their workflow is gone.',
    byDefault: '168h',
  }),
});
