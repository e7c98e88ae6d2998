import type { ArtifactLocation } from '#libs/workflow-spec';

import { keyedBlock, LogMark, type LogObjects, type LogObjectStore, type LogPlace, withLogKey } from './log-objects.js';
import { LogTimes } from './log-times.js';

const OFFSET_DIGITS = 15;
const DELETIONS_AT_A_TIME = 8;
const MOST_ASKED = 200;

/** A part of a log in an object of its own: the bytes from `startByte` up to `endByte` of what the container printed. */
export interface LogSegment {
  key: string;
  startByte: number;
  endByte: number;
}

/** Bytes of a log, and where they end in it. */
export interface StoredLogChunk {
  bytes: Uint8Array;
  endByte: number;
}

/**
 * The folder of a log's segments: beside the log's own key, one for each incarnation of the pod. A segment is named by the bytes that it
 * holds, so writers that know nothing of each other (one of them was thought dead) never replace what the other wrote, and what overlaps is seen.
 */
export function segmentFolder(place: LogPlace): ArtifactLocation {
  const block = keyedBlock(place.location);
  return withLogKey(place.location, `${block?.key ?? ''}.segments/${place.incarnation}`);
}

/** The place of the segment that holds these bytes. */
export function segmentLocation(place: LogPlace, startByte: number, endByte: number): ArtifactLocation {
  const name = [startByte, endByte].map((offset) => String(offset).padStart(OFFSET_DIGITS, '0')).join('-');
  return withLogKey(place.location, withinStore(place, name));
}

/** The segments of a log in their order; those that another one contains are left out. Throws what the store throws. */
export async function listSegments(objects: LogObjects, place: LogPlace): Promise<LogSegment[]> {
  const found: LogSegment[] = [];
  for await (const { key } of storeOf(objects, place).list(segmentFolder(place))) {
    const name = key.slice(key.lastIndexOf('/') + 1);
    const [startByte, endByte] = (/^(\d{15,})-(\d{15,})$/.exec(name) ?? []).slice(1).map(Number);
    if (startByte !== undefined && endByte !== undefined) found.push({ key: withinStore(place, name), startByte, endByte });
  }
  found.sort((left, right) => left.startByte - right.startByte || right.endByte - left.endByte);
  let covered = 0;
  return found.filter(({ endByte }) => {
    if (endByte <= covered) return false;
    covered = endByte;
    return true;
  });
}

/** The bytes of the segments from `fromByte` on, each once, in order. Throws what the store throws. */
export async function* readSegments(
  objects: LogObjects,
  place: LogPlace,
  segments: readonly LogSegment[],
  fromByte = 0,
): AsyncGenerator<StoredLogChunk> {
  const store = storeOf(objects, place);
  let position = fromByte;
  for (const segment of segments) {
    if (segment.endByte <= position) continue;
    let at = segment.startByte;
    for await (const bytes of (await store.load(withLogKey(place.location, segment.key))) as AsyncIterable<Buffer>) {
      const fresh = at >= position ? bytes : bytes.subarray(Math.min(bytes.length, position - at));
      at += bytes.length;
      if (fresh.length === 0) continue;
      position = at;
      yield { bytes: fresh, endByte: at };
    }
  }
}

/** When the bytes of the segments were printed; of very many segments some are asked, as the times of all would not be kept anyway. */
export async function segmentTimes(objects: LogObjects, place: LogPlace, segments: readonly LogSegment[]): Promise<LogTimes> {
  const store = storeOf(objects, place);
  const step = Math.ceil(segments.length / MOST_ASKED);
  const times = new LogTimes();
  for (const [index, { key }] of segments.entries()) {
    if (index % step !== 0 && index + 1 < segments.length) continue;
    const found = await store.head(withLogKey(place.location, key));
    for (const sample of LogTimes.parse(found?.metadata[LogMark.times]).all) times.note(sample);
  }
  return times;
}

/** Where the source of a log goes on behind this segment; undefined where it said nothing. */
export async function segmentBookmark(objects: LogObjects, place: LogPlace, { key }: LogSegment): Promise<string | undefined> {
  const found = await storeOf(objects, place).head(withLogKey(place.location, key));
  return found?.metadata[LogMark.bookmark];
}

/** Deletes all segments of this incarnation; repeated, it finds nothing. */
export async function deleteSegments(objects: LogObjects, place: LogPlace): Promise<void> {
  const store = storeOf(objects, place);
  const locations: ArtifactLocation[] = [];
  for await (const { key } of store.list(segmentFolder(place)))
    locations.push(withLogKey(place.location, withinStore(place, key.slice(key.lastIndexOf('/') + 1))));
  const worker = async (): Promise<void> => {
    for (let location = locations.pop(); location !== undefined; location = locations.pop()) await store.delete(location);
  };
  await Promise.all(Array.from({ length: Math.min(DELETIONS_AT_A_TIME, locations.length) }, worker));
}

export const storeOf = (objects: LogObjects, { location, namespace }: LogPlace): LogObjectStore =>
  objects.driverFor(location, { namespace });

/** Keys as they are listed may differ from those that were written (a URL for a key): names are what counts. */
const withinStore = (place: LogPlace, name: string): string => `${keyedBlock(segmentFolder(place))?.key ?? ''}/${name}`;
