import type { InboxEntry } from '#libs/engine';
import { seededRandom } from './seeded-random.js';

interface Event {
  atMs: number;
  rank: number;
  entry: InboxEntry;
  /** What happens outside of the workflow at that moment. */
  effect?: () => void;
}

/** The place of an event among those of the same moment: it depends on what it is about, not on when it was planned. */
const rankOf = (seed: number, entry: InboxEntry): number => {
  const subject = entry.kind === 'pod' ? `${entry.report.nodeId}/${entry.report.incarnation}/${entry.report.phase}` : entry.id;
  let hash = seed;
  for (const letter of subject) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16_777_619);
  return seededRandom(hash)();
};

const isAfter = (left: Event | undefined, right: Event): boolean =>
  left !== undefined && (left.atMs > right.atMs || (left.atMs === right.atMs && left.rank > right.rank));

/** What will happen in a simulated run, by its moment (milliseconds since 1970); at the same moment in the order that the seed gives. */
export class Agenda {
  private readonly events: Event[] = [];
  private serial = 0;

  constructor(private readonly seed: number | undefined) {}

  /** The moment of the next event; Infinity where there is none. */
  get nextAtMs(): number {
    return this.events[0]?.atMs ?? Infinity;
  }

  get hasRequests(): boolean {
    return this.events.some(({ entry }) => entry.kind === 'request');
  }

  /** A name that no other entry of this run has. */
  nextId(): string {
    this.serial += 1;
    return String(this.serial);
  }

  schedule(atMs: number, entry: InboxEntry, effect?: () => void): void {
    const rank = this.seed === undefined ? this.serial : rankOf(this.seed, entry);
    const event: Event = { atMs, rank, entry, ...(effect === undefined ? {} : { effect }) };
    let at = this.events.length;
    while (at > 0 && isAfter(this.events[at - 1], event)) at -= 1;
    this.events.splice(at, 0, event);
  }

  /** Takes what is due at `nowMs`, or the first of it, and lets its effects happen. */
  takeDue(nowMs: number, oneByOne: boolean): InboxEntry[] {
    const due: InboxEntry[] = [];
    while (this.nextAtMs <= nowMs) {
      const event = this.events.shift();
      event?.effect?.();
      if (event !== undefined) due.push(event.entry);
      if (oneByOne) break;
    }
    return due;
  }

  /** Drops everything but the requests. */
  keepRequests(): void {
    const requests = this.events.filter(({ entry }) => entry.kind === 'request');
    this.events.splice(0, this.events.length, ...requests);
  }
}
