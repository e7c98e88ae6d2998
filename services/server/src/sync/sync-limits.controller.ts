import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { ApiError } from '../errors/errors.js';
import { queryText, type Query as QueryTexts } from '../selection/list-options.js';
import { parseBody } from '../workflows/submit-options.js';
import { assertNamespace, assertObjectName } from '../workflows/workflow-names.js';
import { type SyncLimitPlace, SyncLimits, SyncLimitType } from './sync-limits.service.js';

const NAMES: Readonly<Record<string, SyncLimitType>> = {
  '': SyncLimitType.configMap,
  '0': SyncLimitType.configMap,
  '1': SyncLimitType.database,
  CONFIGMAP: SyncLimitType.configMap,
  DATABASE: SyncLimitType.database,
};
const KEY = /^[-._a-zA-Z0-9]{1,200}$/;
const MOST = 2_147_483_647;

const bodySchema = z.object({
  namespace: z.string().nullish(),
  cmName: z.string().nullish(),
  key: z.string().nullish(),
  type: z.union([z.string(), z.number()]).nullish(),
  limit: z.number().nullish(),
});
type Body = z.infer<typeof bodySchema>;
type Answer = Record<string, unknown>;

const typeOf = (given: string | number | null | undefined): SyncLimitType => {
  const name = String(given ?? '').toUpperCase();
  const type = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  if (type === undefined) throw new ApiError(3, `unknown sync config type ${JSON.stringify(String(given).slice(0, 100))}`);
  return type;
};

const placeOf = (namespace: string, given: Pick<Body, 'key' | 'type' | 'cmName'>): SyncLimitPlace => {
  assertNamespace(namespace);
  const type = typeOf(given.type);
  const { key = '', cmName = '' } = { key: given.key ?? '', cmName: given.cmName ?? '' };
  if (key === '') throw new ApiError(3, 'key is required');
  if (!KEY.test(key)) throw new ApiError(3, 'a key consists of letters, digits, -, _ and .');
  if (type === 'CONFIGMAP') {
    if (cmName === '') throw new ApiError(3, 'ConfigMap name is required');
    assertObjectName('ConfigMap', cmName);
  }
  return { type, namespace, key, cmName };
};

const limitOf = ({ limit }: Body): number => {
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit <= 0 || limit > MOST)
    throw new ApiError(3, 'limit must be greater than zero');
  return limit;
};

const answerOf = ({ type, namespace, key, cmName }: SyncLimitPlace, limit: number): Answer => ({
  namespace,
  ...(type === 'CONFIGMAP' ? { cmName } : {}),
  key,
  type,
  limit,
});

/** Limits of semaphores (Argo's SyncService): in ConfigMaps and in the database. Waiting workflows notice a change within seconds. */
@Controller('api/v1/sync/:namespace')
export class SyncLimitsController {
  constructor(@Inject(SyncLimits) private readonly limits: SyncLimits) {}

  @Post()
  @HttpCode(200)
  async create(@Param('namespace') namespace: string, @Body() body: unknown): Promise<Answer> {
    const given = parseBody(bodySchema, body);
    const place = placeOf(namespace, given);
    const limit = limitOf(given);
    await this.limits.create(place, limit);
    return answerOf(place, limit);
  }

  @Get(':key')
  async get(@Param('namespace') namespace: string, @Param('key') key: string, @Query() query: QueryTexts): Promise<Answer> {
    const place = placeOf(namespace, { key, type: queryText(query, 'type'), cmName: queryText(query, 'cmName') });
    return answerOf(place, await this.limits.get(place));
  }

  @Put(':key')
  async update(@Param('namespace') namespace: string, @Param('key') key: string, @Body() body: unknown): Promise<Answer> {
    const given = parseBody(bodySchema, body);
    const place = placeOf(namespace, { ...given, key });
    const limit = limitOf(given);
    await this.limits.update(place, limit);
    return answerOf(place, limit);
  }

  @Delete(':key')
  async delete(@Param('namespace') namespace: string, @Param('key') key: string, @Query() query: QueryTexts): Promise<Answer> {
    const place = placeOf(namespace, { key, type: queryText(query, 'type'), cmName: queryText(query, 'cmName') });
    await this.limits.delete(place);
    return {};
  }
}
