import { createHash } from 'node:crypto';

import { driverKindOf, keyOf } from '#libs/artifacts';
import type { ArtifactLocation, KubernetesObject } from '#libs/workflow-spec';

/** Fields that say in which store an object lies; credentials and options do not make it another object. */
const STORE_FIELDS = ['endpoint', 'bucket', 'repository', 'container', 'addresses', 'name'];

/** One id per object of a store, whatever artifact names it and with whatever credentials: hex, 64 characters. */
export function objectIdOf(location: ArtifactLocation): string {
  const kind = driverKindOf(location) ?? '';
  const block = (kind === '' ? {} : location[kind]) as KubernetesObject | undefined;
  const identity = [kind, keyOf(location) ?? '', ...STORE_FIELDS.map((field) => block?.[field] ?? null)];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}
