import { Readable } from 'node:stream';

import { LogMark, logMarks, type LogObjects, type LogPlace } from './log-objects.js';
import { deleteSegments, listSegments, type LogSegment, readSegments, segmentTimes, storeOf } from './log-segments.js';
import { LogTimes } from './log-times.js';

/**
 * Makes the log that nobody saved whole out of its segments, streaming, and deletes them: the bucket is then as Argo leaves it. A log that
 * was saved from the pod itself, or belongs to a later incarnation, stays; one that was made of fewer segments goes on with the others.
 * Where there is no object at all, an empty log is made: the outputs of the node name it.
 *
 * Crash points: before the log is there, all is done again; after it, the segments are found and deleted by the next run.
 */
export async function finishLog(objects: LogObjects, place: LogPlace): Promise<void> {
  const store = storeOf(objects, place);
  const present = await store.head(place.location);
  const segments = await listSegments(objects, place);
  const madeBytes = present !== undefined && isOf(present.metadata, place) ? present.sizeBytes : 0;
  const isDone =
    present !== undefined &&
    (segments.length === 0 || isLater(present.metadata, place) || (segments.at(-1)?.endByte ?? 0) <= madeBytes);
  if (!isDone) {
    const times = new LogTimes(madeBytes === 0 ? [] : LogTimes.parse(present?.metadata[LogMark.times]).all);
    for (const sample of (await segmentTimes(objects, place, segments)).all) times.note(sample);
    const body = Readable.from(bytesOf({ objects, place, segments, madeBytes }), { objectMode: false });
    await store.save(place.location, body, { metadata: logMarks(place, times.text()) });
  }
  if (segments.length > 0) await deleteSegments(objects, place);
}

/** Whether an object is this log: of the same node, and of this incarnation of its pod or a later one. */
export function isOf(metadata: Record<string, string>, place: LogPlace): boolean {
  return (
    metadata['workflow-uid'] === place.workflowUid &&
    metadata['node-id'] === place.nodeId &&
    incarnationOf(metadata) >= place.incarnation
  );
}

function isLater(metadata: Record<string, string>, place: LogPlace): boolean {
  if (!isOf(metadata, place)) return false;
  return incarnationOf(metadata) > place.incarnation || metadata[LogMark.complete] === 'true';
}

const incarnationOf = (metadata: Record<string, string>): number => Number(metadata[LogMark.incarnation] ?? Number.NaN);

interface MadeLog {
  objects: LogObjects;
  place: LogPlace;
  segments: readonly LogSegment[];
  /** Bytes that the log has already. */
  madeBytes: number;
}

async function* bytesOf({ objects, place, segments, madeBytes }: MadeLog): AsyncGenerator<Uint8Array> {
  if (madeBytes > 0) yield* (await storeOf(objects, place).load(place.location)) as AsyncIterable<Buffer>;
  for await (const { bytes } of readSegments(objects, place, segments, madeBytes)) yield bytes;
}
