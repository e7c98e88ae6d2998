import type { PodManifest } from '#libs/pod-spec';
import { UserError } from '#libs/workflow-spec';

import type { RuntimeLogger } from '../collaborators.js';
import type { ClaimOutcome, CreateOutcome, LogLine, LogOptions, PodIdentity, PodObservation, PodRuntime } from '../contract.js';
import { ObservationQueue } from '../observation-queue.js';
import type { SimulatedHost } from './simulated-host.js';

const FOLLOW_POLL_MS = 20;

export interface SimulatedOptions {
  host: SimulatedHost;
  logger: RuntimeLogger;
  /** Pods that may run at once; default: no limit. */
  maxPods?: number;
}

/** Plays pods of the image `sim` without processes, for tests and benchmarks. What runs belongs to the SimulatedHost and outlives this. */
export class SimulatedRuntime implements PodRuntime {
  readonly name = 'simulated';
  private queue: ObservationQueue | null = null;
  private unsubscribe: (() => void) | null = null;

  constructor(private readonly options: SimulatedOptions) {}

  async start(observe: (observations: PodObservation[]) => Promise<void>): Promise<void> {
    const queue = new ObservationQueue(observe, this.options.logger);
    this.queue = queue;
    this.unsubscribe = this.options.host.subscribe((observation) => queue.add(observation));
    for (const observation of this.options.host.observations()) queue.add(observation);
  }

  async create(identity: PodIdentity, manifest: PodManifest): Promise<CreateOutcome> {
    const { host, maxPods = Infinity } = this.options;
    const existing = host.find(identity);
    if (existing !== undefined) {
      this.queue?.add(existing);
      return { type: 'adopted' };
    }
    if (maxPods !== Infinity && host.running() >= maxPods) return { type: 'busy', message: `all ${maxPods} pod slots are taken` };
    try {
      host.run(identity, manifest);
      return { type: 'created' };
    } catch (error) {
      if (error instanceof UserError) return { type: 'refused', message: error.message };
      throw error;
    }
  }

  async terminate(identity: PodIdentity, graceSeconds: number): Promise<void> {
    const { host } = this.options;
    const existing = host.find(identity);
    if (existing === undefined || existing.finishedAtMs !== undefined) return this.inspect(identity);
    host.terminate(identity, graceSeconds);
  }

  async delete(identity: PodIdentity): Promise<void> {
    this.options.host.remove(identity);
  }

  async inspect(identity: PodIdentity): Promise<void> {
    this.queue?.add(this.options.host.find(identity) ?? { identity, phase: 'Gone', message: 'no such pod on this host' });
  }

  async *logs(identity: PodIdentity, options: LogOptions): AsyncIterable<LogLine> {
    const { host } = this.options;
    if (options.container !== undefined && options.container !== 'main') return;
    while (options.follow === true && host.find(identity)?.finishedAtMs === undefined && host.find(identity) !== undefined) {
      if (options.signal?.aborted === true) return;
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_POLL_MS));
    }
    const lines = host.lines(identity).filter((line) => line.atMs >= (options.sinceMs ?? 0));
    yield* options.tailLines === undefined ? lines : lines.slice(lines.length - Math.min(lines.length, options.tailLines));
  }

  /** Nothing is kept: no pod here has files. */
  async createClaim(): Promise<ClaimOutcome> {
    return { type: 'created' };
  }

  async deleteClaim(): Promise<void> {
    // Nothing was made.
  }

  async close(): Promise<void> {
    this.unsubscribe?.();
    await this.queue?.close();
  }
}
