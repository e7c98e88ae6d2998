import type { MemoEntry, MemoKey } from '#libs/engine';
import {
  ResourceConflictError,
  ResourceExistsError,
  ResourceNotFoundError,
  type Resource,
  type ResourceKey,
  type ResourceStore,
} from '#libs/resources';
import { ConfigMapType, LabelName } from '#libs/workflow-spec';

/** What a ConfigMap says of a key; `problem`: it is no cache. */
export type MemoReading = { entry: MemoEntry } | { problem: string } | undefined;

/** Two schedulers that write into one ConfigMap meet now and then. */
const WRITE_ATTEMPTS = 10;

const keyOf = (namespace: string, name: string): ResourceKey => ({ kind: 'ConfigMap', namespace, name });

const isCache = ({ metadata }: Resource): boolean => metadata.labels?.[LabelName.configMapType] === ConfigMapType.Cache;

const textsOf = (resource: Resource): Record<string, string> => (resource['data'] as Record<string, string> | undefined) ?? {};

/** Argo's caches: ConfigMaps with one entry, JSON in Argo's form, for each key. They are made when something is first remembered. */
export class ConfigMapMemos {
  constructor(private readonly resources: ResourceStore) {}

  /** Throws TransientError where the resources cannot be read now. */
  async load(namespace: string, name: string, key: string): Promise<MemoReading> {
    const found = await this.find(namespace, name);
    if (found === undefined) return undefined;
    if (!isCache(found)) return { problem: problemOf(name) };
    const texts = textsOf(found);
    const text = Object.hasOwn(texts, key) ? texts[key] : undefined;
    if (text === undefined) return undefined;
    try {
      return { entry: JSON.parse(text) as MemoEntry };
    } catch {
      return { problem: `entry ${JSON.stringify(key)} of ConfigMap ${JSON.stringify(name)} is not JSON` };
    }
  }

  /** Puts entries of one ConfigMap in place, whoever else writes to it. What is no cache is left alone. */
  async save(namespace: string, name: string, entries: readonly { key: MemoKey['key']; entry: MemoEntry }[]): Promise<void> {
    const texts = Object.fromEntries(entries.map(({ key, entry }) => [key, JSON.stringify(entry)]));
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.write(namespace, name, texts);
      } catch (error) {
        const isRace = error instanceof ResourceConflictError || error instanceof ResourceExistsError;
        if (!isRace || attempt === WRITE_ATTEMPTS) throw error;
      }
    }
  }

  private async write(namespace: string, name: string, texts: Record<string, string>): Promise<void> {
    const found = await this.find(namespace, name);
    if (found === undefined) {
      const labels = { [LabelName.configMapType]: ConfigMapType.Cache };
      await this.resources.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data: texts });
    } else if (isCache(found)) {
      await this.resources.update({ ...found, data: { ...textsOf(found), ...texts } });
    }
  }

  private async find(namespace: string, name: string): Promise<Resource | undefined> {
    return this.resources.get(keyOf(namespace, name)).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    });
  }
}

const problemOf = (name: string): string =>
  `ConfigMap ${JSON.stringify(name)} needs the label ${LabelName.configMapType}: ${ConfigMapType.Cache} to be used as a cache`;
