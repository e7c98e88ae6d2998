import { type ArtifactDrivers, type ArtifactDriversOptions, createArtifactDrivers } from '#libs/artifacts';
import { ResourceNotFoundError, type ResourceStore } from '#libs/resources';
import type { Clock } from '#libs/workflow-spec';

export interface ArtifactDriverParts {
  resources: ResourceStore;
  clock: Clock;
  /** Folder of the `filesystem` repository. */
  filesystemFolder: string;
  /** What reaches stores beside Secrets: the parsed `artifactStoreFields` of libs/config. */
  stores: NonNullable<ArtifactDriversOptions['stores']>;
}

/** The drivers of a program, with credentials read from Secrets in the namespace of the workflow. */
export const openArtifactDrivers = ({ resources, clock, filesystemFolder, stores }: ArtifactDriverParts): ArtifactDrivers =>
  createArtifactDrivers({
    clock,
    filesystem: { rootFolder: filesystemFolder },
    stores,
    readSecret: async ({ namespace, name, key, encoding = 'utf8' }) => {
      try {
        const data = (await resources.get({ kind: 'Secret', namespace, name }))['data'] as Record<string, string> | undefined;
        const value = data && Object.hasOwn(data, key) ? data[key] : undefined;
        return value === undefined ? undefined : Buffer.from(value, 'base64').toString(encoding);
      } catch (error) {
        if (error instanceof ResourceNotFoundError) return undefined;
        throw error;
      }
    },
  });
