import { type ArtifactRepositoryConfig, parseArtifactRepository, UserError } from '#libs/workflow-spec';
import type { Resource, ResourceStore } from './contract.js';
import { ResourceNotFoundError } from './errors.js';

/** Which repository: that of a reference (`artifactRepositoryRef`), or, without ConfigMap and key, the namespace's default. */
export interface RepositoryKey {
  namespace: string;
  configMap?: string;
  key?: string;
}
/** An entry with where it stands, or why it cannot be used; null where there is none. */
export type FoundRepository =
  | {
      kind: 'repository';
      reference: { configMap: string; key: string; namespace: string };
      repository: Omit<ArtifactRepositoryConfig, 'driver'>;
    }
  | { kind: 'repository'; problem: string }
  | null;

const DEFAULT_CONFIG_MAP = 'artifact-repositories';
const DEFAULT_KEY_ANNOTATION = 'workflows.argoproj.io/default-artifact-repository';

/** Reads the ConfigMaps in which namespaces describe their artifact repositories (Argo v4.1 `artifact-repository-ref`). */
export class RepositoryReferences {
  constructor(
    private readonly resources: Pick<ResourceStore, 'get'>,
    private readonly controllerNamespace: string,
  ) {}

  /**
   * The entry that a reference names: in the workflow's namespace, then in the controller's; without a reference the default of the
   * workflow's namespace alone. Null where there is none. Throws TransientError where the ConfigMaps cannot be read now.
   */
  async load(key: RepositoryKey): Promise<FoundRepository> {
    const isDefault = key.configMap === undefined && key.key === undefined;
    const namespaces = isDefault ? [key.namespace] : [...new Set([key.namespace, this.controllerNamespace])];
    for (const namespace of namespaces) {
      const found = await this.entryIn(namespace, key);
      if (found !== null) return found;
    }
    return null;
  }

  private async entryIn(namespace: string, { configMap = DEFAULT_CONFIG_MAP, key }: RepositoryKey): Promise<FoundRepository> {
    const found = await this.configMap(namespace, configMap);
    const name = key ?? found?.metadata.annotations?.[DEFAULT_KEY_ANNOTATION];
    const data = found?.['data'] as Record<string, string> | undefined;
    if (name === undefined || data === undefined || !Object.hasOwn(data, name)) return null;
    try {
      const repository = parseArtifactRepository(data[name] ?? '');
      if (repository === undefined) return null;
      const { driver: _driver, ...rest } = repository;
      return { kind: 'repository', reference: { configMap, key: name, namespace }, repository: rest };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const problem = `artifact repository "${name}" of ConfigMap ${namespace}/${configMap}: ${error.message}`;
      return { kind: 'repository', problem };
    }
  }

  private configMap(namespace: string, name: string): Promise<Resource | undefined> {
    return this.resources.get({ kind: 'ConfigMap', namespace, name }).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    });
  }
}
