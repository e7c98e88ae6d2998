import { LogLineCutter } from './log-lines.js';
import { isOf } from './finish-log.js';
import { LogMark, type LogObjects, type LogPlace } from './log-objects.js';
import { listSegments, readSegments, segmentTimes, type StoredLogChunk, storeOf } from './log-segments.js';
import { LogTimes } from './log-times.js';

/** A line of a stored log. */
export interface StoredLogLine {
  text: string;
  /** Where it ends in the log. */
  endByte: number;
  /** Milliseconds since the epoch; undefined where nobody noted when it was printed (a log that Argo has saved). */
  atMs: number | undefined;
}

/** A log in the object store: saved whole, or still in segments. */
export interface StoredLog {
  form: 'whole' | 'segments';
  times: LogTimes;
  /** Of segments: as far as they go now. */
  sizeBytes: number;
  /** The bytes behind `fromByte`. */
  chunks(fromByte?: number): AsyncIterable<StoredLogChunk>;
}

/**
 * Finds a log: the whole one where it is saved, else its segments; undefined where there is neither. Of a log whose incarnation is known
 * (0: it is not) the whole one of an earlier incarnation does not count. Throws what the store throws.
 */
export async function findLog(objects: LogObjects, place: LogPlace): Promise<StoredLog | undefined> {
  const store = storeOf(objects, place);
  const whole = await store.head(place.location);
  if (whole !== undefined && (place.incarnation === 0 || isOf(whole.metadata, place) || !(LogMark.incarnation in whole.metadata)))
    return {
      form: 'whole',
      times: LogTimes.parse(whole.metadata[LogMark.times]),
      sizeBytes: whole.sizeBytes,
      chunks: (fromByte = 0) => wholeChunks(objects, place, fromByte),
    };
  if (place.incarnation === 0) return undefined;
  const segments = await listSegments(objects, place);
  if (segments.length === 0) return undefined;
  return {
    form: 'segments',
    times: await segmentTimes(objects, place, segments),
    sizeBytes: segments.at(-1)?.endByte ?? 0,
    chunks: (fromByte = 0) => readSegments(objects, place, segments, fromByte),
  };
}

/** The lines of a stored log behind `fromByte`, in batches as they are read; memory holds one chunk. */
export async function* linesOf(log: StoredLog, fromByte = 0): AsyncGenerator<StoredLogLine[]> {
  const cutter = new LogLineCutter(fromByte);
  const timed = ({ text, endByte }: { text: string; endByte: number }): StoredLogLine => ({
    text,
    endByte,
    atMs: log.times.at(endByte),
  });
  for await (const { bytes } of log.chunks(fromByte)) {
    const lines = cutter.lines(bytes);
    if (lines.length > 0) yield lines.map(timed);
  }
  const rest = cutter.rest();
  if (rest.length > 0) yield rest.map(timed);
}

async function* wholeChunks(objects: LogObjects, place: LogPlace, fromByte: number): AsyncGenerator<StoredLogChunk> {
  let at = 0;
  for await (const bytes of (await storeOf(objects, place).load(place.location)) as AsyncIterable<Buffer>) {
    at += bytes.length;
    if (at <= fromByte) continue;
    yield { bytes: bytes.subarray(Math.max(0, bytes.length - (at - fromByte))), endByte: at };
  }
}
