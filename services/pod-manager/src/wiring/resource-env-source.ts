import { ResourceNotFoundError, type ResourceStore } from '#libs/resources';
import type { EnvSource } from '#libs/runtimes';

type Texts = Record<string, string>;

/** ConfigMaps and Secrets for the environment of containers. A Secret's values are stored as base64, as Kubernetes has them. */
export class ResourceEnvSource implements EnvSource {
  constructor(private readonly resources: ResourceStore) {}

  async configMapKey(namespace: string, name: string, key: string): Promise<string | null> {
    return own(await this.configMap(namespace, name), key);
  }

  async secretKey(namespace: string, name: string, key: string): Promise<string | null> {
    return own(await this.secret(namespace, name), key);
  }

  configMap(namespace: string, name: string): Promise<Texts | null> {
    return this.data('ConfigMap', namespace, name);
  }

  async secret(namespace: string, name: string): Promise<Texts | null> {
    const data = await this.data('Secret', namespace, name);
    return (
      data && Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]))
    );
  }

  private async data(kind: string, namespace: string, name: string): Promise<Texts | null> {
    try {
      const resource = await this.resources.get({ kind, namespace, name });
      return (resource['data'] ?? {}) as Texts;
    } catch (error) {
      if (error instanceof ResourceNotFoundError) return null;
      throw error;
    }
  }
}

const own = (texts: Texts | null, key: string): string | null =>
  texts && Object.hasOwn(texts, key) ? (texts[key] ?? null) : null;
