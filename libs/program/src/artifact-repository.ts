import { ConfigError } from '#libs/config';
import type { ArtifactRepository } from '#libs/engine';
import { parseArtifactRepository } from '#libs/workflow-spec';

const VARIABLE = 'ARTIFACT_REPOSITORY';

/**
 * Reads the default artifact repository from YAML or JSON, as an entry of a ConfigMap `artifact-repositories` has it: one driver
 * block, and Argo's `archiveLogs` and `keyFormat`. Undefined text: no repository. Throws ConfigError.
 */
export const artifactRepositoryFromText = (text: string | undefined): ArtifactRepository | null => {
  if (text === undefined) return null;
  const { location, keyFormat, archiveLogs } = parsed(text);
  return {
    location,
    ...(keyFormat === undefined ? {} : { keyFormat }),
    ...(archiveLogs === undefined ? {} : { archiveLogs }),
  };
};

const parsed = (text: string) => {
  try {
    const repository = parseArtifactRepository(text);
    if (repository !== undefined) return repository;
  } catch (error) {
    throw new ConfigError([{ variable: VARIABLE, problem: (error as Error).message }]);
  }
  throw new ConfigError([{ variable: VARIABLE, problem: 'must name one driver of artifacts' }]);
};
