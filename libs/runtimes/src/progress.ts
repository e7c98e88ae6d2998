import { closeSync, openSync, readSync } from 'node:fs';

import { type EnvVar, parseGoDuration, UserError } from '#libs/workflow-spec';

const MAX_BYTES = 4_096;
const PROGRESS = /^(\d+)\/(\d+)$/;

/** The last line of a text where it is a progress `N/M` with N ≤ M, as Argo's executor takes it; else undefined. */
export function progressOf(text: string): string | undefined {
  const last = text.trim().split('\n').at(-1)?.trim() ?? '';
  const found = PROGRESS.exec(last);
  return found === null || Number(found[1]) > Number(found[2]) ? undefined : last;
}

/** The progress in a file of the host; undefined where it cannot be read or says none. */
export function readProgress(file: string): string | undefined {
  try {
    const opened = openSync(file, 'r');
    try {
      const buffer = Buffer.alloc(MAX_BYTES);
      return progressOf(buffer.toString('utf8', 0, readSync(opened, buffer, 0, MAX_BYTES, 0)));
    } finally {
      closeSync(opened);
    }
  } catch {
    return undefined;
  }
}

/** How often the file is looked at, and how often what it says is reported. */
export interface ProgressTicks {
  lookMs: number;
  reportMs: number;
}

const DEFAULT_TICKS: ProgressTicks = { lookMs: 3_000, reportMs: 60_000 };

/** The ticks that a container's `ARGO_PROGRESS_FILE_TICK_DURATION` and `ARGO_PROGRESS_PATCH_TICK_DURATION` say, else Argo's 3 s and 1 min. */
export function progressTicks(environment: readonly EnvVar[]): ProgressTicks {
  const read = (name: string, otherwiseMs: number): number => {
    const written = environment.findLast((variable) => variable.name === name)?.value;
    if (written === undefined) return otherwiseMs;
    try {
      return Math.max(0, parseGoDuration(written)) || otherwiseMs;
    } catch (error) {
      if (error instanceof UserError) return otherwiseMs;
      throw error;
    }
  };
  return {
    lookMs: read('ARGO_PROGRESS_FILE_TICK_DURATION', DEFAULT_TICKS.lookMs),
    reportMs: read('ARGO_PROGRESS_PATCH_TICK_DURATION', DEFAULT_TICKS.reportMs),
  };
}

/**
 * Follows the progress file of a running pod as Argo's executor does: what it said at the last look is reported at the next
 * report tick. A pod that ends before its first tick reports nothing.
 */
export class ProgressWatch {
  /** The progress that counts as reported; undefined before the first. */
  reported: string | undefined;
  private seen: string | undefined;
  private lookedAtMs = Number.NEGATIVE_INFINITY;
  private reportedAtMs: number | undefined;

  constructor(
    private readonly find: () => string | null,
    private readonly ticks: ProgressTicks,
  ) {}

  /** True where something is to be reported. */
  look(nowMs: number): boolean {
    this.reportedAtMs ??= nowMs;
    if (nowMs - this.lookedAtMs >= this.ticks.lookMs) {
      this.lookedAtMs = nowMs;
      const file = this.find();
      this.seen = (file === null ? undefined : readProgress(file)) ?? this.seen;
    }
    if (nowMs - this.reportedAtMs < this.ticks.reportMs) return false;
    this.reportedAtMs = nowMs;
    if (this.seen === this.reported) return false;
    this.reported = this.seen;
    return true;
  }
}
