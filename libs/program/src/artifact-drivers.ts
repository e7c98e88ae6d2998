import { type ArtifactDrivers, type ArtifactDriversOptions, createArtifactDrivers, type SecretReader } from '#libs/artifacts';
import { type ControllerConfigWatch, ResourceNotFoundError, type ResourceStore } from '#libs/resources';
import type { ArtifactLocation, Clock } from '#libs/workflow-spec';
import { isSameStore } from './broker/credential-namespace.js';

export interface ArtifactDriverParts {
  resources: ResourceStore;
  clock: Clock;
  /** Folder of the `filesystem` repository. */
  filesystemFolder: string;
  /** What reaches stores beside Secrets: the parsed `artifactStoreFields` of libs/config. */
  stores: NonNullable<ArtifactDriversOptions['stores']>;
  /** The controller's configuration: its repository brings its Secrets along from the controller's namespace. Absent: nobody lends any. */
  lender?: {
    namespace: string;
    config: Pick<ControllerConfigWatch, 'current'>;
    /** That of ARTIFACT_REPOSITORY, which counts where the configuration names none. */
    repository?: ArtifactLocation | undefined;
  };
}

/**
 * The drivers of a program, with credentials read from Secrets in the namespace of the workflow; for the controller's own repository in the
 * controller's namespace where the workflow's has none of the name. A place that a user wrote is never opened so.
 */
export const openArtifactDrivers = (parts: ArtifactDriverParts): ArtifactDrivers => {
  const { resources, clock, filesystemFolder, stores, lender } = parts;
  const open = (readSecret: SecretReader): ArtifactDrivers =>
    createArtifactDrivers({ clock, filesystem: { rootFolder: filesystemFolder }, stores, readSecret });
  const own = secretReader(resources);
  const usual = open(own);
  if (lender === undefined) return usual;
  const lent = open(async (selector) => (await own(selector)) ?? own({ ...selector, namespace: lender.namespace }));
  const isLent = (location: ArtifactLocation): boolean => {
    const repository = lender.config.current().artifactRepository?.location ?? lender.repository;
    return repository !== undefined && isSameStore(location, repository);
  };
  return {
    driverFor: (location, scope) => (isLent(location) ? lent : usual).driverFor(location, scope),
    close: () => [usual, lent].forEach((drivers) => drivers.close()),
  };
};

const secretReader =
  (resources: Pick<ResourceStore, 'get'>): SecretReader =>
  async ({ namespace, name, key, encoding = 'utf8' }) => {
    try {
      const data = (await resources.get({ kind: 'Secret', namespace, name }))['data'] as Record<string, string> | undefined;
      const value = data && Object.hasOwn(data, key) ? data[key] : undefined;
      return value === undefined ? undefined : Buffer.from(value, 'base64').toString(encoding);
    } catch (error) {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    }
  };
