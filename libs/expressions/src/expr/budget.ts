import { ExpressionError } from '../errors.js';
import { GoTime } from '../golang/time-values.js';

const MEMORY_BUDGET = 1_000_000;
const STEP_BUDGET = 5_000_000;

/** Bounds one run: elements made (expr-lang's own limit) and loop steps taken (ours). */
export class Budget {
  private memory = 0;
  private steps = 0;
  private readonly nowMs: number | undefined;

  /** `nowMs` is what `now()` gives; without it `now()` is an error. */
  constructor(nowMs?: number) {
    this.nowMs = nowMs;
  }

  /** The moment of this run. */
  now(): GoTime {
    if (this.nowMs === undefined) throw new ExpressionError('the current time is not known here');
    return new GoTime(BigInt(this.nowMs) * 1_000_000n);
  }

  /** Counts elements of arrays and maps that come into being. */
  allocate(elements: number): void {
    this.memory += elements;
    if (this.memory >= MEMORY_BUDGET) throw new ExpressionError('memory budget exceeded');
  }

  /** Counts steps of work. */
  spend(steps: number): void {
    this.steps += steps;
    if (this.steps > STEP_BUDGET) throw new ExpressionError('time budget exceeded');
  }

  /** The ints from..to. */
  range(from: number, to: number): number[] {
    const size = Math.max(0, to - from + 1);
    this.allocate(size);
    return Array.from({ length: size }, (_, i) => from + i);
  }
}
