import type { LogChunk } from '../contract.js';

/** The kubelet's times (RFC 3339 with nanoseconds) are never longer. */
const LONGEST_TIME = 64;
const NEW_LINE = 0x0a;
const SPACE = 0x20;
const NANOSECOND_DIGITS = 9;

/** How far a log was read: the time of its last line, how many whole lines have that very time, and how much of one more was given. */
interface Position {
  /** Seconds since 1970 with nine digits behind the point; '' before the first line. */
  time: string;
  lines: number;
  bytes: number;
}

interface OpenLine {
  /** Undefined for what the kubelet itself says, which no container has printed. */
  time: string | undefined;
  seenBytes: number;
  /** So many bytes were given by an earlier reading. */
  givenBytes: number;
}

/**
 * Takes the times off the lines of a container as the kubelet gives them. The kubelet knows no offsets and forgets what is rotated away, so a reader that goes on says from
 * which second (`since`), and passes over what of it was given already. No line is held: its parts are given as they come.
 */
export class TimedLog {
  private position: Position;
  private passOver: Position;
  /** Whole lines of this reading that have the time up to which is passed over. */
  private linesOfThatTime = 0;
  private line: OpenLine | undefined;
  private partOfTime = '';

  /** `bookmark`: that of the last chunk that an earlier reader has kept. */
  constructor(bookmark?: string) {
    this.position = positionOf(bookmark);
    this.passOver = this.position;
  }

  /** From when on the kubelet is to be asked; undefined: from the beginning. */
  get since(): string | undefined {
    const { time } = this.position;
    return time === '' ? undefined : new Date(Math.floor(Number(time)) * 1_000).toISOString();
  }

  /** To be called before the first bytes of each answer to a request with `since`. */
  begin(): void {
    this.passOver = this.position;
    this.linesOfThatTime = 0;
    this.line = undefined;
    this.partOfTime = '';
  }

  /** What is new in these bytes; undefined where nothing is. */
  read(input: Buffer): LogChunk | undefined {
    const fresh: Buffer[] = [];
    for (let rest = input; rest.length > 0;) {
      if (this.line === undefined) {
        rest = this.readTime(rest);
        continue;
      }
      const end = rest.indexOf(NEW_LINE);
      const part = end < 0 ? rest : rest.subarray(0, end + 1);
      fresh.push(this.news(part, this.line));
      if (end >= 0) this.endLine(this.line);
      rest = rest.subarray(part.length);
    }
    const bytes = Buffer.concat(fresh);
    if (bytes.length === 0) return undefined;
    const { time, lines, bytes: ofNext } = this.position;
    return { bytes, atMs: Math.round(Number(time) * 1_000), bookmark: `${time},${lines},${ofNext}` };
  }

  private readTime(input: Buffer): Buffer {
    const end = input.subarray(0, LONGEST_TIME).indexOf(SPACE);
    const lineEnd = input.subarray(0, LONGEST_TIME).indexOf(NEW_LINE);
    const isBroken = lineEnd >= 0 && (end < 0 || lineEnd < end);
    if (end < 0 && !isBroken && this.partOfTime.length + input.length <= LONGEST_TIME) {
      this.partOfTime += input.toString('latin1');
      return input.subarray(input.length);
    }
    const time = isBroken || end < 0 ? undefined : comparableTime(this.partOfTime + input.toString('latin1', 0, end));
    this.partOfTime = '';
    this.line = { time, seenBytes: 0, givenBytes: time === undefined ? Infinity : this.givenOf(time) };
    return time === undefined ? input : input.subarray(end + 1);
  }

  private givenOf(time: string): number {
    const { passOver, linesOfThatTime } = this;
    if (time > passOver.time) return 0;
    if (time < passOver.time || linesOfThatTime < passOver.lines) return Infinity;
    return linesOfThatTime === passOver.lines ? passOver.bytes : 0;
  }

  private news(part: Buffer, line: OpenLine): Buffer {
    const { time, givenBytes, seenBytes } = line;
    line.seenBytes += part.length;
    const news = part.subarray(Math.min(part.length, Math.max(0, givenBytes - seenBytes)));
    if (time !== undefined && news.length > 0)
      this.position = { time, lines: time === this.position.time ? this.position.lines : 0, bytes: line.seenBytes };
    return news;
  }

  private endLine({ time, givenBytes }: OpenLine): void {
    if (time === this.passOver.time) this.linesOfThatTime += 1;
    if (time !== undefined && givenBytes !== Infinity) this.position = { time, lines: this.position.lines + 1, bytes: 0 };
    this.line = undefined;
  }
}

function positionOf(bookmark = ''): Position {
  const [time, lines, bytes] = (/^(\d+\.\d{9}),(\d+),(\d+)$/.exec(bookmark) ?? []).slice(1);
  return time === undefined ? { time: '', lines: 0, bytes: 0 } : { time, lines: Number(lines), bytes: Number(bytes) };
}

/** The kubelet writes the node's own zone, with or without the zeros at the end of a fraction. */
function comparableTime(text: string): string | undefined {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !/^\d{4}-\d\d-\d\dT/.test(text)) return undefined;
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? '';
  return `${Math.floor(ms / 1_000)}.${fraction.padEnd(NANOSECOND_DIGITS, '0')}`;
}
