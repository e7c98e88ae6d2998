import { z } from 'zod';
import type { WorkflowObject } from '#libs/resources';
import { type JsonValue, sortedJson, type TTLStrategy } from '#libs/workflow-spec';

const seconds = z.int().nonnegative().optional();
const ttlStrategy = z.object({ secondsAfterCompletion: seconds, secondsAfterSuccess: seconds, secondsAfterFailure: seconds });

/** Tells them apart, whatever the order of their fields. */
export const ttlText = (strategy: unknown): string => sortedJson((strategy ?? null) as JsonValue);

/** Null where there is none; undefined where it cannot be read. */
export const readTtl = (written: unknown): TTLStrategy | null | undefined =>
  written === undefined || written === null ? null : (ttlStrategy.safeParse(written).data as TTLStrategy | undefined);

/** The same for the same change of an object, however often it is seen. */
export const ttlIdOf = ({ key, resourceVersion }: WorkflowObject): string =>
  ['object', key.uid, 'ttl', resourceVersion].join('/');
