import { setTimeout as sleep } from 'node:timers/promises';
import { deleteSegments, finishLog, keptLogs, type LogObjects, type PlacedLog } from '#libs/execution';
import type { Logger } from '#libs/observability';
import type { PodManifest } from '#libs/pod-spec';
import type { PodIdentity, PodObservation, PodRuntime } from '#libs/runtimes';
import type { LogShipmentRepository } from '#libs/store';
import type { Artifact, Clock } from '#libs/workflow-spec';
import { LogShipment } from './log-shipment.js';

export interface LogShippingSettings {
  /** A segment is written when it has so many bytes, … */
  segmentBytes: number;
  /** … or when its first byte is this old. */
  segmentMs: number;
  /** What the segments that are being filled may hold in memory, all together. */
  bufferBytes: number;
}

export interface LogShipmentsPorts {
  rows: Pick<LogShipmentRepository, 'begin' | 'end' | 'finish' | 'recordFailure' | 'ofPods'>;
  manifestOf: (identity: PodIdentity) => Promise<PodManifest | undefined>;
  runtime: Pick<PodRuntime, 'logs' | 'logBytes'>;
  objects: LogObjects;
  clock: Clock;
  logger: Logger;
  host: string;
  settings: LogShippingSettings;
}

/** A segment is not cut smaller than this for the sake of memory. */
const SMALLEST_SEGMENT_BYTES = 64 * 1024;
/** A pod is not deleted before its last words are shipped, for so long. */
const DELETION_WAIT_MS = 2_000;
/** What could not be finished at once is the sweeper's after this time. */
const RETRY_MS = 10_000;
/** For how long nobody else tries what is being finished. */
const FINISHING_MS = 120_000;
const REMEMBERED_PODS = 10_000;

interface Settling {
  key: string;
  done: Promise<void>;
}

/**
 * What is known of a pod: that it was met and will be looked at, or its shipment (none where nothing of it is kept), and after its end the logs that its
 * report names.
 */
interface Known {
  identity: PodIdentity;
  look?: NodeJS.Timeout;
  shipment?: LogShipment;
  named?: readonly Artifact[];
}

/**
 * The logs that this host ships. What the end of a pod means: the runtime has saved the logs, so the segments go; or it could not (the pod is
 * lost, or the store was away for too long), so the segments become the log, and the report names it among the outputs.
 */
export class LogShipments {
  private readonly known = new Map<string, Known>();
  private readonly settling = new Set<Settling>();
  private isClosed = false;

  constructor(private readonly ports: LogShipmentsPorts) {}

  /** A pod that was made or met just now. */
  begin(identity: PodIdentity, manifest: PodManifest, isFirst: boolean): void {
    const key = keyOf(identity);
    const known = this.known.get(key);
    if ((known !== undefined && known.look === undefined) || this.isClosed) return;
    clearTimeout(known?.look);
    const logs = keptLogs(manifest);
    this.known.set(key, logs.length === 0 ? { identity } : { identity, shipment: this.shipmentOf(identity, logs, isFirst) });
    if (this.known.size > REMEMBERED_PODS) this.forgetOldest();
  }

  /** A pod that runs and that this process has not made: another one may have shipped a part. What it keeps is asked when the pod was not over soon. */
  meet(identity: PodIdentity): void {
    const key = keyOf(identity);
    if (this.known.has(key) || this.isClosed) return;
    const { settings, logger } = this.ports;
    const again = (): NodeJS.Timeout => setTimeout(look, settings.segmentMs).unref();
    const look = (): void => {
      this.look(identity).catch((error: unknown) => {
        logger.debug('what a pod keeps of its logs is not known yet', { node: identity.nodeId, err: error });
        const known = this.known.get(key);
        if (known?.look !== undefined) known.look = again();
      });
    };
    this.known.set(key, { identity, look: again() });
  }

  /** This process is told no more of other pods than these; who is told of them goes on with their logs. */
  keep(isFollowed: (identity: PodIdentity) => boolean): void {
    for (const [key, { identity, look, shipment }] of this.known) {
      if (isFollowed(identity)) continue;
      clearTimeout(look);
      shipment?.stop();
      this.known.delete(key);
    }
  }

  /** Takes the end of a pod; gives it with the logs that are to be made of segments among its outputs. Repeated it says the same. */
  async ended(observation: PodObservation): Promise<PodObservation> {
    const { identity, phase } = observation;
    const isMet = this.known.get(keyOf(identity))?.shipment !== undefined;
    // Of others the runtime has saved the logs, or there is nothing that could be.
    const mayBeLost = phase === 'Gone' || observation.infrastructure === true;
    if (!isMet && mayBeLost && (await this.ports.rows.ofPods([identity])).length > 0) await this.look(identity);
    const known = this.known.get(keyOf(identity));
    if (known?.shipment === undefined) return observation;
    known.named ??= this.end(known.shipment, observation);
    return withLogs(observation, known.named);
  }

  /** The end of the pod is safe in the database. */
  recorded(identity: PodIdentity): void {
    clearTimeout(this.known.get(keyOf(identity))?.look);
    this.known.delete(keyOf(identity));
  }

  /** The pod is about to be deleted with its files. */
  async beforeDeletion(identity: PodIdentity): Promise<void> {
    const known = this.known.get(keyOf(identity));
    clearTimeout(known?.look);
    this.known.delete(keyOf(identity));
    const shipment = known?.shipment;
    if (shipment === undefined || known?.named !== undefined) return this.settlingOf(identity);
    if (!shipment.isKnown) return shipment.stop();
    shipment.hurry();
    await Promise.race([shipment.done, sleep(DELETION_WAIT_MS, undefined, { ref: false })]);
    shipment.stop();
    this.settle(identity, () => this.finish(shipment));
  }

  /** Resolves when what has ended is settled; used by tests and at the end of the program. */
  async settled(): Promise<void> {
    while (this.settling.size > 0) await Promise.all([...this.settling].map(({ done }) => done));
  }

  /** Pods run on: whoever comes next goes on with their logs. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.keep(() => false);
    await Promise.race([this.settled(), sleep(DELETION_WAIT_MS, undefined, { ref: false })]);
  }

  private async look(identity: PodIdentity): Promise<void> {
    const key = keyOf(identity);
    const manifest = await this.ports.manifestOf(identity);
    if (manifest !== undefined) this.begin(identity, manifest, false);
    else if (this.known.get(key)?.look !== undefined) this.known.delete(key);
  }

  /** Settles the end of a pod, and gives the logs that its report is to name. */
  private end(shipment: LogShipment, observation: PodObservation): Artifact[] {
    const { identity } = shipment;
    const missing = missingLogs(observation, shipment.logs);
    if (missing.length === 0 || (observation.phase !== 'Gone' && !shipment.hasShipped)) {
      shipment.stop();
      if (shipment.isKnown) this.settle(identity, () => this.drop(shipment));
      return [];
    }
    shipment.hurry();
    this.settle(identity, () => this.finish(shipment));
    return missing.map(({ reported }) => reported);
  }

  private shipmentOf(identity: PodIdentity, logs: readonly PlacedLog[], isFirst: boolean): LogShipment {
    const { rows, runtime, objects, clock, logger, host, settings } = this.ports;
    const namespace = logs[0]?.place.namespace ?? '';
    return new LogShipment({
      identity,
      logs,
      runtime,
      objects,
      logger,
      isFirst,
      announce: () =>
        rows.begin(
          {
            key: identity,
            host,
            namespace,
            logs: logs.map(({ container, place }) => ({ container, location: place.location })),
          },
          clock.nowMs(),
        ),
      segmentBytes: () => this.segmentBytes(),
      segmentMs: settings.segmentMs,
      restMs: isFirst ? settings.segmentMs : 0,
    });
  }

  /** Many pods share the memory: their segments are smaller then. */
  private segmentBytes(): number {
    const { segmentBytes, bufferBytes } = this.ports.settings;
    const share = Math.floor(bufferBytes / Math.max(1, this.known.size));
    return Math.min(segmentBytes, Math.max(SMALLEST_SEGMENT_BYTES, share));
  }

  /** The logs are saved: nothing of the segments is needed any more. */
  private async drop(shipment: LogShipment): Promise<void> {
    await shipment.done;
    for (const { place } of shipment.logs) await deleteSegments(this.ports.objects, place);
    await this.ports.rows.finish(shipment.identity);
  }

  private async finish(shipment: LogShipment): Promise<void> {
    const { rows, objects, clock } = this.ports;
    await shipment.done;
    // Ended before anything is made: another one may then make it as well.
    await rows.end(shipment.identity, clock.nowMs() + FINISHING_MS);
    for (const { place } of shipment.logs) await finishLog(objects, place);
    await rows.finish(shipment.identity);
  }

  private settle(identity: PodIdentity, work: () => Promise<void>): void {
    const { rows, clock, logger } = this.ports;
    const settling: Settling = {
      key: keyOf(identity),
      done: work()
        .catch(async (error: unknown) => {
          logger.info('the log of a pod is finished later', { node: identity.nodeId, err: error });
          await rows.recordFailure(identity, { error: String(error), nextTryAtMs: clock.nowMs() + RETRY_MS });
        })
        .catch((error: unknown) => logger.debug('a shipped log is left to the sweeper', { node: identity.nodeId, err: error }))
        .finally(() => this.settling.delete(settling)),
    };
    this.settling.add(settling);
  }

  /** The last words of a lost pod are still read from its files. */
  private async settlingOf(identity: PodIdentity): Promise<void> {
    const open = [...this.settling].filter(({ key }) => key === keyOf(identity)).map(({ done }) => done);
    if (open.length > 0) await Promise.race([Promise.all(open), sleep(DELETION_WAIT_MS, undefined, { ref: false })]);
  }

  private forgetOldest(): void {
    for (const [key, { look, shipment }] of this.known) {
      if (shipment !== undefined || look !== undefined) continue;
      this.known.delete(key);
      return;
    }
  }
}

function missingLogs({ outputs }: PodObservation, logs: readonly PlacedLog[]): PlacedLog[] {
  const names = new Set(outputs?.artifacts?.map(({ name }) => name));
  return logs.filter(({ reported }) => !names.has(reported.name));
}

/** The report with these logs among its outputs. */
export function withLogs(observation: PodObservation, logs: readonly Artifact[]): PodObservation {
  if (logs.length === 0) return observation;
  const { outputs = {} } = observation;
  return { ...observation, outputs: { ...outputs, artifacts: [...(outputs.artifacts ?? []), ...logs] } };
}

const keyOf = ({ workflowUid, nodeId, incarnation }: PodIdentity): string => `${workflowUid}/${nodeId}/${incarnation}`;
