import { type BeforeApplicationShutdown, type DynamicModule, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { type JobQueue, PodJob } from '#libs/jobs';
import type { LogObjects } from '#libs/execution';
import type { Logger } from '#libs/observability';
import { type ClaimedJob, type PeriodicTask, Sweeper } from '#libs/queue';
import type { PodObservation, PodRuntime } from '#libs/runtimes';
import type { Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { deadHosts } from './hosts/dead-hosts.js';
import { hostHeartbeat } from './hosts/host-heartbeat.js';
import { leftOverLogs, withShippedLogs } from './logs/left-over-logs.js';
import { LogServer } from './logs/log-server.js';
import { ObservationBatcher } from './observations/observation-batcher.js';
import { ObservationRecorder } from './observations/observation-recorder.js';
import { PodConvergenceService } from './pods/pod-convergence.service.js';
import { PodProcessor } from './pods/pod.processor.js';
import { silentPods } from './pods/silent-pods.js';
import { WaitingBuckets } from './pods/waiting-buckets.js';

export interface PodManagerSettings {
  /** Name of this machine or cluster; pods belong to the host that claimed them. */
  host: string;
  podConcurrency: number;
  observationBatch: number;
  heartbeatIntervalMs: number;
  /** A pod of which nothing was heard for this long is inspected. */
  silentAfterMs: number;
  /** Pods of a host whose heartbeat stands still for this long are reported as lost. */
  hostDeadAfterMs: number;
  /** Where logs are served to the API server; absent in one process, where it reads them from the runtime. */
  logs?: { host: string; port: number; token?: string | undefined; advertisedUrl?: string | undefined };
}

/** What the pod-manager is wired from. */
export interface PodManagerPorts {
  store: Store;
  queue: JobQueue;
  runtime: PodRuntime;
  /** Where logs that nobody finished are finished. */
  artifacts: LogObjects;
  clock: Clock;
  logger: Logger;
  settings: PodManagerSettings;
}

/** The jobs that a program with this module in it claims: the common queue of pods, and this host's own. */
export const podManagerJobs = ({ podConcurrency, host }: Pick<PodManagerSettings, 'podConcurrency' | 'host'>): ClaimedJob[] => [
  { job: PodJob, concurrency: podConcurrency, lanes: [host] },
];

const SWEEP_PAGE = 200;
const MAX_WAITING_BUCKETS = 10_000;
/** Buckets tried again when a pod has ended: more than one, as a bucket may have nothing to do by now. */
const BUCKETS_PER_FREE_SLOT = 2;

/**
 * The parts that live as long as the program. Order at start: the runtime begins to observe (finding pods of a predecessor),
 * then the sweepers; at the end the sweepers first, the runtime last, and observations in hand are written.
 */
class PodManagerLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeper: Sweeper<{ workflow: string; bucket: number; host?: string | undefined }>;
  private readonly silent: PeriodicTask;
  private readonly deadHosts: PeriodicTask;
  private readonly leftOverLogs: PeriodicTask;
  private heartbeat: PeriodicTask | undefined;
  private logServer: LogServer | undefined;

  constructor(
    private readonly ports: PodManagerPorts,
    private readonly observations: { batcher: ObservationBatcher; observe: (observations: PodObservation[]) => Promise<void> },
  ) {
    const { store, queue, runtime, clock, logger, settings } = ports;
    const { host } = settings;
    this.silent = silentPods({
      podStatus: store.podStatus,
      runtime,
      clock,
      logger,
      host,
      silentAfterMs: settings.silentAfterMs,
    });
    this.deadHosts = deadHosts({
      hosts: store.podHosts,
      podStatus: store.podStatus,
      tasks: store.tasks,
      observe: async (lost) => observations.observe(await withShippedLogs(lost, { rows: store.logShipments, clock })),
      clock,
      logger,
      host,
      deadAfterMs: settings.hostDeadAfterMs,
    });
    this.leftOverLogs = leftOverLogs({
      rows: store.logShipments,
      objects: ports.artifacts,
      lease: store.leases,
      clock,
      logger,
    });
    this.sweeper = new Sweeper({
      job: PodJob,
      name: `pod ${host}`,
      queue,
      lease: store.leases,
      clock,
      logger,
      page: async (afterKey, overdueBeforeMs) => {
        const after = afterKey === undefined ? undefined : bucketFromKey(afterKey);
        const rows = await store.pods.duePage({ overdueBeforeMs, host, limit: SWEEP_PAGE, ...(after ? { after } : {}) });
        return rows.map((bucket) => ({ key: `${bucket.workflow}/${bucket.bucket}`, payload: { ...bucket, host }, progress: '' }));
      },
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    const { runtime } = this.ports;
    await runtime.start(this.observations.observe);
    await this.announce();
    this.sweeper.start();
    this.silent.start();
    this.deadHosts.start();
    this.leftOverLogs.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([
      this.sweeper.stop(),
      this.silent.stop(),
      this.deadHosts.stop(),
      this.leftOverLogs.stop(),
      this.heartbeat?.stop(),
      this.logServer?.stop(),
    ]);
    await this.ports.runtime.close();
    await this.observations.batcher.settled();
  }

  private async announce(): Promise<void> {
    const { store, runtime, clock, logger, settings } = this.ports;
    const { logs, host } = settings;
    let url = '';
    if (logs) {
      this.logServer = new LogServer({ runtime, host: logs.host, port: logs.port, token: logs.token, logger });
      const port = await this.logServer.start();
      url = logs.advertisedUrl ?? `http://${logs.host}:${port}`;
    }
    this.heartbeat = hostHeartbeat({
      hosts: store.podHosts,
      host,
      url,
      runtime,
      clock,
      logger,
      intervalMs: settings.heartbeatIntervalMs,
    });
    this.heartbeat.start();
  }
}

const bucketFromKey = (key: string): { workflow: string; bucket: number } => {
  const slash = key.lastIndexOf('/');
  return { workflow: key.slice(0, slash), bucket: Number(key.slice(slash + 1)) };
};

const isEnd = ({ phase }: PodObservation): boolean => phase === 'Succeeded' || phase === 'Failed' || phase === 'Gone';

/** Makes pods be as desired on one host, and reports what they are. */
@Module({})
export class PodManagerModule {
  static register(ports: PodManagerPorts): DynamicModule {
    const { store, queue, runtime, clock, logger, settings } = ports;
    const { host } = settings;
    const waiting = new WaitingBuckets(MAX_WAITING_BUCKETS);
    const recorder = new ObservationRecorder({ podStatus: store.podStatus, runtime, queue, clock, host });
    const batcher = new ObservationBatcher((batch) => recorder.record(batch), settings.observationBatch, logger);
    const observe = async (observations: PodObservation[]): Promise<void> => {
      await batcher.add(observations);
      const ended = observations.filter(isEnd).length;
      const buckets = ended > 0 ? waiting.take(ended * BUCKETS_PER_FREE_SLOT) : [];
      if (buckets.length > 0)
        await queue.wakeMany(
          PodJob,
          buckets.map((bucket) => ({ ...bucket, host })),
        );
    };
    const convergence = new PodConvergenceService({
      pods: store.pods,
      wakeHost: (bucket, other) => queue.wakeMany(PodJob, [{ ...bucket, host: other }]),
      podStatus: store.podStatus,
      runtime,
      observe,
      waiting,
      clock,
      logger,
      host,
    });
    return {
      module: PodManagerModule,
      controllers: [PodProcessor],
      providers: [
        { provide: PodConvergenceService, useValue: convergence },
        { provide: PodManagerLifecycle, useFactory: () => new PodManagerLifecycle(ports, { batcher, observe }) },
      ],
    };
  }
}
