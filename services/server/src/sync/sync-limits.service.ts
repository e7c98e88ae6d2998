import { Inject, Injectable } from '@nestjs/common';
import {
  type Resource,
  ResourceConflictError,
  ResourceExistsError,
  ResourceNotFoundError,
  type ResourceStore,
} from '#libs/resources';
import { Store } from '#libs/store';
import { ApiError } from '../errors/errors.js';
import { RESOURCE_STORE } from '../ports.js';

/** Where the limit of a semaphore is written: a key of a ConfigMap, or a row of Argo's `sync_limit`. */
export const SyncLimitType = { configMap: 'CONFIGMAP', database: 'DATABASE' } as const;
export type SyncLimitType = (typeof SyncLimitType)[keyof typeof SyncLimitType];

export interface SyncLimitPlace {
  type: SyncLimitType;
  namespace: string;
  key: string;
  /** Name of the ConfigMap. */
  cmName: string;
}

const absent = ({ type, namespace, key, cmName }: SyncLimitPlace): ApiError =>
  type === 'DATABASE'
    ? new ApiError(5, `sync limit ${namespace}/${key} not found`)
    : new ApiError(5, `key ${key} not found in ConfigMap ${namespace}/${cmName}`);
const taken = ({ type, namespace, key, cmName }: SyncLimitPlace): ApiError =>
  type === 'DATABASE'
    ? new ApiError(6, `sync limit ${namespace}/${key} already exists`)
    : new ApiError(6, `ConfigMap ${namespace}/${cmName} already has a key ${key}`);

const dataOf = (configMap: Resource | undefined): Record<string, string> =>
  (configMap?.['data'] as Record<string, string> | undefined) ?? {};

/** Two changes of one ConfigMap at the same time: the later one looks again. */
const MOST_TRIES = 5;

/** Limits of semaphores, as the API shows and changes them. Throws ApiError: not found (5), already there (6), no number (9). */
@Injectable()
export class SyncLimits {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(RESOURCE_STORE) private readonly resources: ResourceStore,
  ) {}

  async get(place: SyncLimitPlace): Promise<number> {
    if (place.type === 'DATABASE') {
      const limit = await this.store.syncLimits.get(place.namespace, place.key);
      if (limit === undefined) throw absent(place);
      return limit;
    }
    const text = dataOf(await this.configMap(place))[place.key];
    if (text === undefined) throw absent(place);
    if (!/^\d{1,15}$/.test(text)) throw new ApiError(9, `key ${place.key} of ConfigMap ${place.cmName} is no number`);
    return Number(text);
  }

  async create(place: SyncLimitPlace, limit: number): Promise<void> {
    const { namespace, key } = place;
    if (place.type === 'CONFIGMAP') return this.changeKey(place, String(limit), { mustExist: false });
    if (!(await this.store.syncLimits.insert(namespace, key, limit))) throw taken(place);
  }

  async update(place: SyncLimitPlace, limit: number): Promise<void> {
    const { namespace, key } = place;
    if (place.type === 'CONFIGMAP') return this.changeKey(place, String(limit), { mustExist: true });
    if (!(await this.store.syncLimits.update(namespace, key, limit))) throw absent(place);
  }

  async delete(place: SyncLimitPlace): Promise<void> {
    if (place.type === 'CONFIGMAP') return this.changeKey(place, undefined, { mustExist: true });
    if (!(await this.store.syncLimits.remove(place.namespace, place.key))) throw absent(place);
  }

  private async configMap({ namespace, cmName }: SyncLimitPlace): Promise<Resource | undefined> {
    return this.resources.get({ kind: 'ConfigMap', namespace, name: cmName }).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    });
  }

  private async changeKey(place: SyncLimitPlace, text: string | undefined, { mustExist }: { mustExist: boolean }): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const known = await this.configMap(place);
      const { [place.key]: before, ...others } = dataOf(known);
      if (mustExist && before === undefined) throw absent(place);
      if (!mustExist && before !== undefined) throw taken(place);
      const data = text === undefined ? others : { ...others, [place.key]: text };
      try {
        const { namespace, cmName } = place;
        if (known) await this.resources.update({ ...known, data });
        else await this.resources.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: cmName, namespace }, data });
        return;
      } catch (error) {
        const isRace = error instanceof ResourceConflictError || error instanceof ResourceExistsError;
        if (!isRace || tries >= MOST_TRIES) throw error;
      }
    }
  }
}
