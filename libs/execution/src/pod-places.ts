import type { PodManifest } from '#libs/pod-spec';
import { artifactKeyField, artifactKeyOf, sortedJson, type ArtifactLocation, type KubernetesObject } from '#libs/workflow-spec';

import { driverOf, inputLocation, isSupplied, outputFileName, placeOutput } from './artifact-location.js';
import { loggedContainers } from './container-paths.js';
import { OutputError } from './errors.js';

/** What a pod is there for at a place of an artifact store. */
export type PodPlaceUse = 'input' | 'output' | 'log';

/** One place that a pod's staging or capture moves something from or to. */
export interface PodPlace {
  use: PodPlaceUse;
  location: ArtifactLocation;
}

/** All places of a pod: its inputs, its outputs, and the logs that its containers leave; worked out as staging and capture do. */
export function podPlaces(manifest: PodManifest): PodPlace[] {
  const { work } = manifest;
  const inputs = work.inputArtifacts.filter(isSupplied).map((artifact) => inputLocation(artifact, work));
  const outputs = work.outputArtifacts.flatMap((artifact) => placed(() => placeOutput(artifact, work, outputFileName(artifact))));
  const logs = loggedContainers(manifest).flatMap((container) =>
    placed(() => placeOutput({ name: `${container}-logs` }, work, `${container}.log`)),
  );
  const asPlaces = (use: PodPlaceUse, locations: ArtifactLocation[]): PodPlace[] =>
    locations.map((location) => ({ use, location }));
  return [...asPlaces('input', inputs), ...asPlaces('output', outputs), ...asPlaces('log', logs)];
}

/** Segments of a log lie in a folder of their own, beside it. */
const SEGMENTS = '.segments/';

/**
 * Which of the places a location is, or lies in (an object of a folder, a segment of a log); undefined where it is none of them: another store,
 * another key, a key that climbs out.
 */
export function placeAround(
  places: readonly PodPlace[],
  location: ArtifactLocation,
  uses: readonly PodPlaceUse[],
): PodPlace | undefined {
  const driver = driverOf(location);
  const key = driver === undefined ? undefined : artifactKeyOf(location, driver);
  const store = storeText(location);
  if (key !== undefined && key.split('/').some((segment) => segment === '..' || segment === '.')) return undefined;
  return places.find((place) => uses.includes(place.use) && storeText(place.location) === store && isAtOrBelow(place, key));
}

/** Whether a location is a segment of one of the pod's own logs. */
export function isLogSegment(places: readonly PodPlace[], location: ArtifactLocation): boolean {
  const place = placeAround(places, location, ['log']);
  const [own, asked] = [place?.location, location].map((one) => one && artifactKeyOf(one, driverOf(one) ?? 'raw'));
  return own !== undefined && asked !== undefined && asked.startsWith(`${own}${SEGMENTS}`);
}

function isAtOrBelow({ use, location }: PodPlace, key: string | undefined): boolean {
  const own = artifactKeyOf(location, driverOf(location) ?? 'raw');
  if (key === undefined || own === undefined) return key === own;
  if (key === own || key.startsWith(`${own.replace(/\/$/, '')}/`)) return true;
  return use === 'log' && (key.startsWith(`${own}${SEGMENTS}`) || `${key}/` === `${own}${SEGMENTS}`);
}

/** Everything that makes a store, as a text: the location without its key. */
function storeText(location: ArtifactLocation): string {
  const driver = driverOf(location);
  const field = driver === undefined ? undefined : artifactKeyField(driver);
  const block: KubernetesObject = { ...(driver === undefined ? {} : location[driver]) };
  if (field !== undefined) delete block[field];
  return `${driver ?? ''} ${sortedJson(block)}`;
}

/** Without a repository there is no place: capture says so itself. */
function placed(place: () => { location: ArtifactLocation }): ArtifactLocation[] {
  try {
    return [place().location];
  } catch (error) {
    if (error instanceof OutputError) return [];
    throw error;
  }
}
