import { setTimeout as sleep } from 'node:timers/promises';
import { type LogByteSource, type LogObjects, type PlacedLog, SegmentWriter } from '#libs/execution';
import type { Logger } from '#libs/observability';
import type { PodIdentity, PodRuntime } from '#libs/runtimes';
import { TransientError } from '#libs/workflow-spec';
import { logBytes } from './log-bytes.js';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** The pod has ended and its log cannot be read for so long: what was read is all that there will be. */
const LAST_WORDS_MS = 30_000;

export interface LogShipmentParts {
  identity: PodIdentity;
  logs: readonly PlacedLog[];
  runtime: Pick<PodRuntime, 'logs' | 'logBytes'>;
  objects: LogObjects;
  /** Makes the shipment known, before anything is written. */
  announce: () => Promise<void>;
  segmentBytes: () => number;
  segmentMs: number;
  /** Nothing is done for so long, as most pods are over by then. */
  restMs: number;
  /** Whether the pod was made by this process just now: nothing was shipped before. */
  isFirst: boolean;
  logger: Logger;
}

/**
 * Ships the logs of one pod while it runs. Nothing is asked of anybody in the first moments (`restMs`): a short pod costs nothing, as
 * its log is saved from the pod itself when it ends. States: resting → announced → shipping → done or stopped.
 */
export class LogShipment {
  /** Settled when all that the containers printed is shipped, or shipping was stopped or given up. */
  readonly done: Promise<void>;
  private readonly stopping = new AbortController();
  private readonly ending = new AbortController();
  private readonly writers: SegmentWriter[] = [];
  private announced = false;

  constructor(private readonly parts: LogShipmentParts) {
    this.done = this.run().catch((error: unknown) => this.giveUp(error));
  }

  get identity(): PodIdentity {
    return this.parts.identity;
  }

  get logs(): readonly PlacedLog[] {
    return this.parts.logs;
  }

  /** Whether anybody but this process can know of it. */
  get isKnown(): boolean {
    return this.announced || !this.parts.isFirst;
  }

  /** Whether a part of the logs is in the store. */
  get hasShipped(): boolean {
    return this.writers.some(({ shippedBytes }) => shippedBytes > 0);
  }

  /** Reads no more, and does not wait for what was read. */
  stop(): void {
    this.stopping.abort();
    this.ending.abort();
  }

  /** The pod has ended: what is left is shipped now. */
  hurry(): void {
    this.ending.abort();
  }

  private async run(): Promise<void> {
    const { logs, restMs, announce } = this.parts;
    const { signal } = this.stopping;
    await sleep(restMs, undefined, { signal: this.ending.signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    await this.patiently('announce', announce);
    this.announced = true;
    await Promise.all(logs.map((log) => this.ship(log)));
  }

  private async ship(log: PlacedLog): Promise<void> {
    const { identity, runtime, objects, segmentBytes, segmentMs, isFirst, logger } = this.parts;
    const { signal } = this.stopping;
    const writer = new SegmentWriter({
      place: log.place,
      objects,
      segmentBytes,
      segmentMs,
      waiting: (error, pauseMs) =>
        logger.warn('the log of a pod waits for the object store', { node: identity.nodeId, error: error.message, pauseMs }),
    });
    this.writers.push(writer);
    const source: LogByteSource = {
      read: ({ byte, bookmark }, aborted) =>
        logBytes(runtime, identity, { container: log.container, fromByte: byte, bookmark, signal: aborted }),
    };
    let attempts = 0;
    await this.patiently('read', () => writer.ship(source, signal, isFirst && attempts++ === 0));
  }

  private async patiently(what: string, attempt: () => Promise<void>): Promise<void> {
    const { signal } = this.stopping;
    let afterEndMs = 0;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return await attempt();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof TransientError) || (what === 'read' && afterEndMs > LAST_WORDS_MS)) throw error;
        if (this.ending.signal.aborted) afterEndMs += pauseMs;
        const { identity, logger } = this.parts;
        logger.debug('the log of a pod has to wait', { node: identity.nodeId, what, error: error.message, pauseMs });
        await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  /** The store refuses for good: the end of the pod says the same, and then it is the user's to see. */
  private giveUp(error: unknown): void {
    const { identity, logger } = this.parts;
    logger.warn('the log of a pod cannot be shipped while it runs', { node: identity.nodeId, err: error });
  }
}
