import type { Clock } from '#libs/workflow-spec';

/** What discarding the parts of uploads may take. */
const MARGIN_MS = 5_000;
/** Kubernetes' own, for as long as the pod has not said. */
const DEFAULT_SECONDS = 30;

/** The grace period is nearly over, and what was not saved yet will not be. */
export class GraceOverError extends Error {
  constructor() {
    super('the pod was asked to end, and its grace period is over before all outputs are saved');
    this.name = 'GraceOverError';
  }
}

/**
 * What may still be done when the pod is asked to end: SIGTERM ends nothing, as outputs are captured within the grace period. Shortly before SIGKILL comes
 * (at half of a short period) `signal` is given, so that an upload that is under way leaves nothing in the store.
 */
export class EndOfGrace {
  private readonly giving = new AbortController();
  private readonly onTerm = (): void => {
    this.askedAtMs ??= this.clock.nowMs();
    this.arm();
  };
  private graceMs = DEFAULT_SECONDS * 1_000;
  private timer: NodeJS.Timeout | undefined;

  private askedAtMs: number | undefined;

  /** `askedAt`: the pod was asked before this program began; in seconds. */
  constructor(
    private readonly clock: Clock,
    askedAt?: number,
  ) {
    this.askedAtMs = askedAt === undefined ? undefined : askedAt * 1_000;
    process.on('SIGTERM', this.onTerm);
    this.arm();
  }

  get signal(): AbortSignal {
    return this.giving.signal;
  }

  /** As the pod itself says. */
  setPeriod(seconds: number): void {
    this.graceMs = seconds * 1_000;
    this.arm();
  }

  close(): void {
    clearTimeout(this.timer);
    process.off('SIGTERM', this.onTerm);
  }

  private arm(): void {
    clearTimeout(this.timer);
    if (this.askedAtMs === undefined) return;
    const endsAtMs = this.askedAtMs + Math.max(this.graceMs - MARGIN_MS, this.graceMs / 2);
    const giveUp = (): void => this.giving.abort(new GraceOverError());
    this.timer = setTimeout(giveUp, Math.max(0, endsAtMs - this.clock.nowMs())).unref();
  }
}
