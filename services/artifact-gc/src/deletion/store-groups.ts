import { driverKindOf, keyOf, withKey } from '#libs/artifacts';
import type { ArtifactDeletion } from '#libs/store';

/** Rows whose objects lie in the same store and are opened in the same way: they differ in their keys alone. */
export function byStore(rows: readonly ArtifactDeletion[]): ArtifactDeletion[][] {
  const groups = new Map<string, ArtifactDeletion[]>();
  for (const row of rows) {
    const key = storeKey(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

function storeKey({ location, namespace, lenderNamespace }: ArtifactDeletion): string {
  const keyless = driverKindOf(location) === undefined || keyOf(location) === undefined ? location : withKey(location, '');
  return JSON.stringify([namespace, lenderNamespace, keyless]);
}
