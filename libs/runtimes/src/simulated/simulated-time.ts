import type { Clock } from '#libs/workflow-spec';

/** A clock that can also call back. */
export interface SimulatedTime extends Clock {
  /** Calls once after this time; the function returned calls it off. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Time as it passes; pods of the simulated runtime then take as long as they say. */
export function realTime(clock: Clock): SimulatedTime {
  return {
    nowMs: () => clock.nowMs(),
    after: (delayMs, callback) => {
      if (delayMs <= 0) {
        const soon = setImmediate(callback);
        return () => clearImmediate(soon);
      }
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

interface Appointment {
  atMs: number;
  order: number;
  callback: () => void;
}

/** Time that stands still until a test moves it; callbacks run in the order of their moments, equal ones as they were made. */
export class VirtualTime implements SimulatedTime {
  private readonly appointments = new Set<Appointment>();
  private order = 0;

  constructor(private currentMs = 0) {}

  nowMs(): number {
    return this.currentMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const appointment = { atMs: this.currentMs + Math.max(0, delayMs), order: this.order++, callback };
    this.appointments.add(appointment);
    return () => this.appointments.delete(appointment);
  }

  /** Milliseconds since the epoch of the next callback; null where none is due ever. */
  nextAtMs(): number | null {
    return this.next()?.atMs ?? null;
  }

  /** Moves on by this time and runs all that becomes due on the way. */
  advance(byMs: number): void {
    this.advanceTo(this.currentMs + byMs);
  }

  advanceTo(atMs: number): void {
    for (let next = this.next(); next !== undefined && next.atMs <= atMs; next = this.next()) {
      this.appointments.delete(next);
      this.currentMs = next.atMs;
      next.callback();
    }
    this.currentMs = Math.max(this.currentMs, atMs);
  }

  private next(): Appointment | undefined {
    let first: Appointment | undefined;
    for (const candidate of this.appointments) {
      if (first === undefined || candidate.atMs < first.atMs || (candidate.atMs === first.atMs && candidate.order < first.order))
        first = candidate;
    }
    return first;
  }
}
