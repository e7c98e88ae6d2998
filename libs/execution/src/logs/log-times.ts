/** That the bytes of a log up to `endByte` (and after the sample before) were printed at `atMs`, milliseconds since the epoch. */
export interface LogTimeSample {
  endByte: number;
  atMs: number;
}

/** Most samples that are kept, and the length of their text: object stores allow 2 KB for all metadata of an object. */
const MAX_SAMPLES = 72;
const MAX_TEXT_LENGTH = 1_000;
const RADIX = 36;

/**
 * When the lines of a log were printed: a log itself has no times. Kept small: where there are too many samples, those nearest in time
 * become one, so that long pauses stay exact and bursts lose detail. Samples come in the order of their bytes.
 */
export class LogTimes {
  private samples: LogTimeSample[];

  constructor(samples: Iterable<LogTimeSample> = []) {
    this.samples = [];
    for (const sample of samples) this.note(sample);
  }

  /** Adds what was printed after the last sample; times never go back. */
  note({ endByte, atMs }: LogTimeSample): void {
    const last = this.samples.at(-1);
    if (last !== undefined && endByte <= last.endByte) return;
    const laterMs = Math.round(Math.max(atMs, last?.atMs ?? 0));
    if (last?.atMs === laterMs) last.endByte = endByte;
    else this.samples.push({ endByte, atMs: laterMs });
    if (this.samples.length > MAX_SAMPLES) this.merge();
  }

  get all(): readonly LogTimeSample[] {
    return this.samples;
  }

  /** When the line that ends at this byte was printed; undefined where nothing is known. */
  at(endByte: number): number | undefined {
    let [low, high] = [0, this.samples.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.samples[middle]?.endByte ?? 0) >= endByte) high = middle;
      else low = middle + 1;
    }
    return this.samples[low]?.atMs;
  }

  /** One line of ASCII of at most 1,000 characters, for an object's metadata; '' where nothing is known. */
  text(): string {
    for (;;) {
      const text = encoded(this.samples);
      if (text.length <= MAX_TEXT_LENGTH) return text;
      this.merge();
    }
  }

  /** What `text` wrote; nothing where the text is none of ours. */
  static parse(text: string | undefined): LogTimes {
    const times = new LogTimes();
    let [endByte, atMs] = [0, 0];
    for (const part of (text ?? '').split(',')) {
      const [bytes, ms] = part.split('.').map((digits) => parseInt(digits, RADIX));
      if (bytes === undefined || ms === undefined || Number.isNaN(bytes) || Number.isNaN(ms)) return times;
      endByte += bytes;
      atMs += ms;
      times.note({ endByte, atMs });
    }
    return times;
  }

  /** The two samples nearest in time become the later one. */
  private merge(): void {
    let nearest = 0;
    let shortestMs = Infinity;
    for (let index = 0; index + 1 < this.samples.length; index += 1) {
      const gapMs = (this.samples[index + 1]?.atMs ?? 0) - (this.samples[index]?.atMs ?? 0);
      if (gapMs < shortestMs) [nearest, shortestMs] = [index, gapMs];
    }
    this.samples.splice(nearest, 1);
  }
}

function encoded(samples: readonly LogTimeSample[]): string {
  let before: LogTimeSample = { endByte: 0, atMs: 0 };
  const parts: string[] = [];
  for (const sample of samples) {
    parts.push(`${(sample.endByte - before.endByte).toString(RADIX)}.${(sample.atMs - before.atMs).toString(RADIX)}`);
    before = sample;
  }
  return parts.join(',');
}
