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

  async configMapFiles(namespace: string, name: string): Promise<Record<string, Uint8Array> | null> {
    const data = await this.data('ConfigMap', namespace, name);
    const binary = await this.data('ConfigMap', namespace, name, 'binaryData');
    return data && { ...mapped(data, (text) => Buffer.from(text, 'utf8')), ...mapped(binary ?? {}, fromBase64) };
  }

  async secretFiles(namespace: string, name: string): Promise<Record<string, Uint8Array> | null> {
    const data = await this.data('Secret', namespace, name);
    return data && mapped(data, fromBase64);
  }

  private async data(kind: string, namespace: string, name: string, field = 'data'): Promise<Texts | null> {
    try {
      const resource = await this.resources.get({ kind, namespace, name });
      return (resource[field] ?? {}) as Texts;
    } catch (error) {
      if (error instanceof ResourceNotFoundError) return null;
      throw error;
    }
  }
}

const fromBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64');

const mapped = (texts: Texts, convert: (text: string) => Uint8Array): Record<string, Uint8Array> =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, convert(text)]));

const own = (texts: Texts | null, key: string): string | null =>
  texts && Object.hasOwn(texts, key) ? (texts[key] ?? null) : null;
