import { type BeforeApplicationShutdown, type DynamicModule, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { type JobQueue, PodJob, WorkflowJob } from '#libs/jobs';
import type { LogObjects } from '#libs/execution';
import type { Logger, Metrics } from '#libs/observability';
import { type ClaimedJob, type PeriodicTask, Sweeper } from '#libs/queue';
import type { PodObservation, PodRuntime } from '#libs/runtimes';
import type { PodWorkRow, Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { deadHosts } from './hosts/dead-hosts.js';
import { hostHeartbeat } from './hosts/host-heartbeat.js';
import { leftOverLogs, withShippedLogs } from './logs/left-over-logs.js';
import { LogServer } from './logs/log-server.js';
import { ObservationBatcher } from './observations/observation-batcher.js';
import { ObservationRecorder } from './observations/observation-recorder.js';
import { type PodConvergencePorts, PodConvergenceService } from './pods/pod-convergence.service.js';
import { CONVERGENCES, PodProcessor } from './pods/pod.processor.js';
import { silentPods } from './pods/silent-pods.js';
import { WaitingBuckets } from './pods/waiting-buckets.js';
import { ShardKeeper } from './shards/shard-keeper.js';

export interface PodManagerSettings {
  /** Name of this machine or cluster; pods belong to the host that claimed them. */
  host: string;
  /** Name of this process where several share `host`: what it does itself, without a pod, is its own. Absent: nobody shares it. */
  taskHost?: string | undefined;
  podConcurrency: number;
  observationBatch: number;
  heartbeatIntervalMs: number;
  /** A pod of which nothing was heard for this long is inspected. */
  silentAfterMs: number;
  /** Pods of a host whose heartbeat stands still for this long are reported as lost. */
  hostDeadAfterMs: number;
  /** In what time the pods of a replica that has died are followed by the others that share `host`; default 15 s. */
  podTakeoverMs?: number;
  /** Where logs are served to the API server; absent in one process, where it reads them from the runtime. */
  logs?: {
    host: string;
    port: number;
    token?: string | undefined;
    advertisedUrl?: string | undefined;
    /** For the pods that several share; absent: `advertisedUrl`. */
    sharedUrl?: string | undefined;
  };
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
  metrics?: Metrics;
  settings: PodManagerSettings;
}

/** The jobs that a program with this module in it claims: the common queue of pods, and this host's own. */
export const podManagerJobs = (settings: Pick<PodManagerSettings, 'podConcurrency' | 'host' | 'taskHost'>): ClaimedJob[] => [
  { job: PodJob, concurrency: settings.podConcurrency, lanes: hostsOf(settings) },
];

/** The hosts whose rows this process looks after. */
const hostsOf = ({ host, taskHost }: Pick<PodManagerSettings, 'host' | 'taskHost'>): string[] =>
  taskHost === undefined || taskHost === host ? [host] : [host, taskHost];

const isTask = ({ manifest }: Pick<PodWorkRow, 'manifest'>): boolean =>
  (manifest.work as PodWorkRow['manifest']['work'] | undefined)?.task !== undefined;

const SWEEP_PAGE = 200;
const TAKEOVER_MS = 15_000;
const MAX_WAITING_BUCKETS = 10_000;
/** Buckets tried again when a pod has ended: more than one, as a bucket may have nothing to do by now. */
const BUCKETS_PER_FREE_SLOT = 2;

/**
 * The parts that live as long as the program. Order at start: the runtime begins to observe (finding pods of a predecessor),
 * then the sweepers; at the end the sweepers first, the runtime last, and observations in hand are written.
 */
class PodManagerLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** One of each for every host whose rows are looked after here. */
  private readonly sweepers: HostSweeper[];
  private readonly silent: PeriodicTask[];
  private readonly deadHosts: PeriodicTask;
  private readonly leftOverLogs: PeriodicTask;
  private readonly shards: ShardKeeper | undefined;
  private heartbeats: PeriodicTask[] = [];
  private logServer: LogServer | undefined;

  constructor(
    private readonly ports: PodManagerPorts,
    private readonly observations: { batcher: ObservationBatcher; observe: (observations: PodObservation[]) => Promise<void> },
  ) {
    const { store, queue, runtime, clock, logger, settings } = ports;
    const { host } = settings;
    const { silentAfterMs } = settings;
    const { podStatus } = store;
    this.silent = hostsOf(settings).map((each) => silentPods({ podStatus, runtime, clock, logger, host: each, silentAfterMs }));
    this.deadHosts = deadHosts({
      hosts: store.podHosts,
      podStatus: store.podStatus,
      tasks: store.tasks,
      runtime,
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
    this.shards = shardKeeperOf(ports);
    this.sweepers = hostsOf(settings).map((each) => sweeperOf(each, { store, queue, clock, logger }));
  }

  async onApplicationBootstrap(): Promise<void> {
    const { runtime } = this.ports;
    await runtime.start(this.observations.observe);
    this.shards?.start();
    await this.announce();
    for (const task of [...this.sweepers, ...this.silent]) task.start();
    this.deadHosts.start();
    this.leftOverLogs.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([
      ...[...this.sweepers, ...this.silent, ...this.heartbeats].map((task) => task.stop()),
      this.deadHosts.stop(),
      this.leftOverLogs.stop(),
      this.logServer?.stop(),
      this.shards?.stop(),
    ]);
    await this.ports.runtime.close();
    await this.observations.batcher.settled();
  }

  private async announce(): Promise<void> {
    const { store, runtime, clock, logger, settings } = this.ports;
    const { logs } = settings;
    let url = '';
    if (logs) {
      this.logServer = new LogServer({ runtime, host: logs.host, port: logs.port, token: logs.token, logger });
      const port = await this.logServer.start();
      url = logs.advertisedUrl ?? `http://${logs.host}:${port}`;
    }
    const { heartbeatIntervalMs: intervalMs } = settings;
    const sharedUrl = logs?.sharedUrl ?? url;
    this.heartbeats = hostsOf(settings).map((each, index, { length }) =>
      hostHeartbeat({
        ...{ hosts: store.podHosts, host: each, runtime, clock, logger, intervalMs },
        url: index < length - 1 ? sharedUrl : url,
      }),
    );
    for (const heartbeat of this.heartbeats) heartbeat.start();
  }
}

/** None where nobody shares the pods, or the runtime follows all that are its own. */
const shardKeeperOf = ({ store, runtime, logger, metrics, settings }: PodManagerPorts): ShardKeeper | undefined => {
  const [host, holder] = hostsOf(settings);
  if (host === undefined || holder === undefined || runtime.followShards === undefined) return undefined;
  const followShards = runtime.followShards.bind(runtime);
  const { podTakeoverMs: takeOverMs = TAKEOVER_MS } = settings;
  return new ShardKeeper({ leases: store.shardLeases, runtime: { followShards }, host, holder, takeOverMs, logger, metrics });
};

type HostSweeper = Sweeper<{ workflow: string; bucket: number; host?: string | undefined }>;

const sweeperOf = (
  host: string,
  { store, queue, clock, logger }: Pick<PodManagerPorts, 'store' | 'queue' | 'clock' | 'logger'>,
): HostSweeper =>
  new Sweeper({
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
    const tellWaiting: PodConvergencePorts['tellWaiting'] = async (key, message) => {
      if (await store.podStatus.tellWaiting(key, message, clock.nowMs()))
        await queue.wakeMany(WorkflowJob, [{ workflow: key.workflowUid }]);
    };
    const convergenceOf = (each: string, accepts?: (row: PodWorkRow) => boolean): PodConvergenceService =>
      new PodConvergenceService({
        pods: store.pods,
        wakeHost: (bucket, other) => queue.wakeMany(PodJob, [{ ...bucket, host: other }]),
        podStatus: store.podStatus,
        runtime,
        observe,
        tellWaiting,
        waiting,
        clock,
        logger,
        host: each,
        ...(accepts === undefined ? {} : { accepts }),
      });
    const [, taskHost] = hostsOf(settings);
    const convergences =
      taskHost === undefined
        ? [convergenceOf(host)]
        : [convergenceOf(host, (row) => !isTask(row)), convergenceOf(taskHost, isTask)];
    return {
      module: PodManagerModule,
      controllers: [PodProcessor],
      providers: [
        { provide: CONVERGENCES, useValue: convergences },
        { provide: PodManagerLifecycle, useFactory: () => new PodManagerLifecycle(ports, { batcher, observe }) },
      ],
    };
  }
}
