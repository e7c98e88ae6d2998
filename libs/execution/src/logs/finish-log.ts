import { Readable } from 'node:stream';

import { LogMark, logMarks, type LogObjects, type LogPlace } from './log-objects.js';
import { deleteSegments, listSegments, type LogSegment, readSegments, segmentTimes, storeOf } from './log-segments.js';

/**
 * Makes the log that nobody saved whole out of its segments, streaming, and deletes them: the bucket is then as Argo leaves it. A log that
 * is there already (of this incarnation, or of a later one) stays. Gives whether a log is there now; with no segment at all none is made.
 *
 * Crash points: before the log is there, all is done again; after it, the segments are found and deleted by the next run.
 */
export async function finishLog(objects: LogObjects, place: LogPlace): Promise<boolean> {
  const store = storeOf(objects, place);
  const present = await store.head(place.location);
  const isThere = present !== undefined && isOf(present.metadata, place);
  if (!isThere) {
    const segments = await listSegments(objects, place);
    if (segments.length === 0) return false;
    const times = await segmentTimes(objects, place, segments);
    const body = Readable.from(bytesOf(objects, place, segments), { objectMode: false });
    await store.save(place.location, body, { metadata: logMarks(place, times.text()) });
  }
  await deleteSegments(objects, place);
  return true;
}

/** Whether an object is this log: of the same node, and of this incarnation of its pod or a later one. */
export function isOf(metadata: Record<string, string>, place: LogPlace): boolean {
  const incarnation = Number(metadata[LogMark.incarnation] ?? Number.NaN);
  return (
    metadata['workflow-uid'] === place.workflowUid && metadata['node-id'] === place.nodeId && incarnation >= place.incarnation
  );
}

async function* bytesOf(objects: LogObjects, place: LogPlace, segments: readonly LogSegment[]): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of readSegments(objects, place, segments)) yield bytes;
}
