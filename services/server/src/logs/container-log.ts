import { setTimeout as sleep } from 'node:timers/promises';
import { findLog, linesOf, type LogObjects, type LogPlace, type StoredLog } from '#libs/execution';
import { TransientError } from '#libs/workflow-spec';
import type { LoggedPod, PodLogLine, PodLogSource } from '../ports.js';
import { lastLines } from './last-lines.js';
import { inBatches } from './line-batches.js';
import type { TimedLine } from './merge-by-time.js';

/** How soon a log that nobody serves for now is looked for again. */
const LOOK_AGAIN_MS = 1_000;

/** The log of one container of one pod, wherever it is. */
export interface ContainerLog {
  container: string;
  /** Absent where no runtime knows the pod (any more). */
  pod: LoggedPod | undefined;
  /** Where it is kept; undefined where it is not, or nothing is known of it. Asked anew each time. */
  place: () => Promise<LogPlace | undefined>;
  /** When its first and last lines are from, where nobody noted the times of lines. */
  startedAtMs: number;
  /** Whether the pod has ended, and its end is known. */
  isOver: () => boolean;
}

export interface ContainerLogOptions {
  follow: boolean;
  tailLines?: number | undefined;
  sinceMs?: number | undefined;
  signal: AbortSignal;
}

export interface ContainerLogMeans {
  source: PodLogSource;
  objects: LogObjects;
}

/** How far a log was given: what is read again from elsewhere goes on behind it, so no line comes twice. */
class GivenLines {
  private endByte = 0;
  private atMs = Number.NEGATIVE_INFINITY;
  private isExact: boolean;
  hasAny = false;

  constructor({ tailLines, sinceMs }: ContainerLogOptions) {
    this.isExact = tailLines === undefined && sinceMs === undefined;
  }

  /** Behind which byte the log goes on; undefined where only its time is known. */
  get fromByte(): number | undefined {
    return this.isExact ? this.endByte : undefined;
  }

  /** What of a batch was not given yet; `startByte` counts where lines do not say where they end. */
  fresh<Line extends { text: string; atMs: number; endByte?: number | undefined }>(
    lines: Line[],
    counted: { bytes: number },
  ): Line[] {
    const isAgain = this.hasAny;
    const found = lines.filter((line) => {
      counted.bytes = line.endByte ?? counted.bytes + Buffer.byteLength(line.text) + 1;
      return !isAgain || (this.isExact ? counted.bytes > this.endByte : line.atMs > this.atMs);
    });
    const last = found.at(-1);
    if (last === undefined) return found;
    if (last.endByte !== undefined) this.isExact = true;
    if (this.isExact) this.endByte = counted.bytes;
    this.atMs = last.atMs;
    this.hasAny = true;
    return found;
  }
}

/**
 * Reads a log: from the runtime while it knows the pod, else from the object store, whole or in segments; where a host is lost in the
 * middle, the store goes on where the host broke off, and with `follow` the host again when it is back. Memory holds a batch of lines.
 */
export class ContainerLogReader {
  constructor(private readonly means: ContainerLogMeans) {}

  async *read(log: ContainerLog, options: ContainerLogOptions): AsyncGenerator<TimedLine[]> {
    const given = new GivenLines(options);
    for (;;) {
      const live = yield* this.live(log, options, given);
      if (live === 'ended') return;
      const stored = yield* this.stored(log, options, given);
      if (stored === 'whole' || options.signal.aborted) return;
      if (!options.follow || log.isOver()) {
        if (live !== 'unknown' && stored === 'none') throw live.error;
        return;
      }
      await sleep(LOOK_AGAIN_MS, undefined, { signal: options.signal, ref: false }).catch(() => undefined);
      if (options.signal.aborted) return;
    }
  }

  /** `unknown`: the runtime has nothing of it, be it that it never heard of the pod. */
  private async *live(
    { pod, container }: ContainerLog,
    { follow, tailLines, sinceMs, signal }: ContainerLogOptions,
    given: GivenLines,
  ): AsyncGenerator<TimedLine[], 'ended' | 'unknown' | { error: unknown }> {
    if (pod === undefined) return 'unknown';
    const selection = given.hasAny
      ? {}
      : { ...(tailLines === undefined ? {} : { tailLines }), ...(sinceMs === undefined ? {} : { sinceMs }) };
    const counted = { bytes: 0 };
    try {
      const lines = await this.means.source.lines(pod, { container, follow, signal, ...selection });
      if (lines === undefined) return 'unknown';
      let isKnown = false;
      for await (const batch of inBatches<PodLogLine>(lines)) {
        isKnown = true;
        const fresh = given.fresh(batch, counted);
        if (fresh.length > 0) yield fresh;
      }
      return isKnown ? 'ended' : 'unknown';
    } catch (error) {
      if (signal.aborted) return 'ended';
      if (!(error instanceof TransientError)) throw error;
      return { error };
    }
  }

  private async *stored(
    log: ContainerLog,
    options: ContainerLogOptions,
    given: GivenLines,
  ): AsyncGenerator<TimedLine[], 'whole' | 'part' | 'none'> {
    const place = await log.place();
    const stored = place === undefined ? undefined : await findLog(this.means.objects, place);
    if (stored === undefined) return 'none';
    const { tailLines } = options;
    const since = given.hasAny ? undefined : options.sinceMs;
    const read = (): AsyncIterable<StoredLine[]> =>
      selected({ stored, log, sinceMs: since, fromByte: given.hasAny ? given.fromByte : 0 });
    const counted = { bytes: 0 };
    for await (const batch of tailLines === undefined || given.hasAny ? read() : lastLines(read, tailLines)) {
      const fresh = given.fresh(batch, counted);
      if (fresh.length > 0) yield fresh;
      if (options.signal.aborted) break;
    }
    return stored.form === 'whole' ? 'whole' : 'part';
  }
}

interface StoredLine extends TimedLine {
  endByte: number;
}

interface Selection {
  stored: StoredLog;
  log: ContainerLog;
  sinceMs: number | undefined;
  fromByte: number | undefined;
}

/** A line of which no time is known counts as printed when the container began. */
async function* selected({ stored, log, sinceMs, fromByte = 0 }: Selection): AsyncGenerator<StoredLine[]> {
  for await (const batch of linesOf(stored, fromByte)) {
    const lines = batch.map(({ atMs = log.startedAtMs, ...line }) => ({ ...line, atMs }));
    yield sinceMs === undefined ? lines : lines.filter(({ atMs }) => atMs >= sinceMs);
  }
}
