import { type BeforeApplicationShutdown, type DynamicModule, Module, type OnApplicationBootstrap } from '@nestjs/common';
import type { EngineConfig } from '#libs/engine';
import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger, Metrics } from '#libs/observability';
import { type ClaimedJob, type PeriodicTask, Sweeper } from '#libs/queue';
import {
  type ControllerSettings,
  fixedControllerSettings,
  RepositoryReferences,
  type ResourceStore,
  type WorkflowObjects,
} from '#libs/resources';
import { type ArgoDatabase, OffloadTable, type ParallelismLimits, type Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { ConfigMapMemos } from './memoization/config-map-memos.js';
import { memoExpiryTimer } from './memoization/memo-expiry.js';
import { MemoKeeper } from './memoization/memo-keeper.js';
import { SpecMetrics } from './metrics/spec-metrics.js';
import { admissionTimer } from './admission/admission-timer.js';
import { NamespaceLabels } from './admission/namespace-labels.js';
import { parallelismFrom, type ParallelismSource } from './admission/parallelism.js';
import { limitReader } from './admission/limit-reader.js';
import { IntakeLoop } from './intake/intake-loop.js';
import { IntakeService } from './intake/intake.service.js';
import { LockHolders } from './intake/lock-holders.js';
import { ObjectEdits } from './intake/object-edits.js';
import { OffloadedNodes, type OffloadedNodesPorts } from './intake/offloaded-nodes.js';
import { RowsGuard } from './intake/rows-guard.js';
import { TakeoverService } from './intake/takeover.service.js';
import { CommandDispatcher } from './reconcile/command-dispatcher.js';
import { EventTeller } from './events/event-teller.js';
import { BudgetKeeper } from './budgets/budget-keeper.js';
import { engineConfigOf } from './controller-engine-config.js';
import { FactLoader } from './reconcile/fact-loader.js';
import { ReconcileProcessor } from './reconcile/reconcile.processor.js';
import { ReconcileService } from './reconcile/reconcile.service.js';
import { SchedulerMetrics } from './reconcile/scheduler-metrics.js';
import { expiryTimer } from './retention/expiry-timer.js';
import { ObjectWithdrawal } from './retention/object-withdrawal.js';
import { RemovalService } from './retention/removal.service.js';
import { ChildChecker } from './schedules/child-checker.js';
import { ScheduleMetrics } from './schedules/schedule-metrics.js';
import { ScheduleService } from './schedules/schedule.service.js';
import { ScheduleTimer } from './schedules/schedule-timer.js';

export interface SchedulerSettings {
  engine: EngineConfig;
  /** Where artifact repositories are looked for that a workflow's namespace does not have. */
  controllerNamespace: string;
  instanceId?: string | undefined;
  /** The only namespace of the cluster that is looked into; absent: all. */
  managedNamespace?: string | undefined;
  reconcileConcurrency: number;
  stateCacheBytes: number;
  inboxBatch: number;
  retentionIntervalMs: number;
  /** Limits of the program's variables. */
  parallelism: ParallelismLimits;
  admissionIntervalMs: number;
  scheduleIntervalMs: number;
  metricsTtlMs: number;
  cacheGcPeriodMs: number;
  cacheGcAfterNotHitDurationMs: number;
}

/** What the scheduler is wired from. */
export interface SchedulerPorts {
  store: Store;
  queue: JobQueue;
  resources: ResourceStore;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  settings: SchedulerSettings;
  /** The controller's ConfigMap, which is applied while the program runs. What it says goes before the variables. Absent: it says nothing. */
  controllerConfig?: ControllerSettings;
  /** Workflow objects as the door for workflows; absent: there is no cluster. */
  objects?: WorkflowObjects | undefined;
  /** The database of Argo's tables, where it is not ours. */
  argoDatabase?: () => Promise<ArgoDatabase | undefined>;
}

/** The jobs that a program with this module in it claims. */
export const schedulerJobs = (settings: Pick<SchedulerSettings, 'reconcileConcurrency'>): ClaimedJob[] => [
  { job: WorkflowJob, concurrency: settings.reconcileConcurrency },
];

const SWEEP_PAGE = 500;
/** How long nobody follows the cluster's objects after who did has died. */
const INTAKE_INTERVAL_MS = 1_000;

/** Labels of namespaces are looked at so many times less often than limits are followed: that is a question to the API server. */
const LABEL_LOOKS = 5;

const NO_CONFIG = fixedControllerSettings();

const namespaceLabelsOf = ({ objects, logger, settings }: SchedulerPorts): NamespaceLabels | undefined =>
  objects && new NamespaceLabels({ objects, logger, intervalMs: LABEL_LOOKS * settings.admissionIntervalMs });

const parallelismOf = (
  { settings, controllerConfig = NO_CONFIG }: SchedulerPorts,
  labels: NamespaceLabels | undefined,
): ParallelismSource => parallelismFrom(settings.parallelism, () => controllerConfig.current(), labels);

const scheduleTimer = (ports: SchedulerPorts): ScheduleTimer => {
  const { store, resources, queue, clock, logger, metrics, settings, controllerConfig = NO_CONFIG } = ports;
  const { schedules, retention, requests } = store;
  const service = new ScheduleService(
    {
      schedules,
      resources,
      retention,
      requests,
      checker: new ChildChecker(resources, () => controllerConfig.current().workflowDefaults),
      queue,
      clock,
      logger,
      metrics: new ScheduleMetrics(metrics),
      objects: ports.objects,
    },
    settings.instanceId,
  );
  return new ScheduleTimer({
    service,
    schedules,
    resources,
    lease: store.leases,
    clock,
    logger,
    intervalMs: settings.scheduleIntervalMs,
  });
};

const eventTeller = ({ objects, clock, logger, controllerConfig = NO_CONFIG }: SchedulerPorts): EventTeller | undefined =>
  objects && new EventTeller({ objects, clock, logger, config: () => controllerConfig.current() });

/** Nodes that were offloaded, by us or by Argo's controller, wherever its tables are. */
const readOffloaded =
  ({ store, argoDatabase }: SchedulerPorts): OffloadedNodesPorts['read'] =>
  async (uid, version) => {
    const elsewhere = await argoDatabase?.();
    if (elsewhere === undefined) return store.records.readOffloaded(uid, version);
    return new OffloadTable(elsewhere, elsewhere.place).read({ uid, version });
  };

const takeoverOf = (ports: SchedulerPorts): TakeoverService | undefined => {
  const { objects, store, queue, clock, logger, settings, controllerConfig = NO_CONFIG } = ports;
  if (objects === undefined) return undefined;
  return new TakeoverService({
    objects,
    takeover: store.takeover,
    readOffloaded: new OffloadedNodes({ read: readOffloaded(ports), clock, logger }).read,
    engine: () => engineConfigOf(settings.engine, controllerConfig.current()),
    queue,
    clock,
    logger,
    instanceId: settings.instanceId,
    controllerNamespace: settings.controllerNamespace,
  });
};

const intakeLoop = (ports: SchedulerPorts, takeover: TakeoverService | undefined): IntakeLoop | undefined => {
  const { objects, store, queue, clock, logger, settings } = ports;
  if (objects === undefined || takeover === undefined) return undefined;
  const { workflows, requests, retention, workflowState: states } = store;
  const installation = (): Promise<string> => store.installationKeys.identity(clock.nowMs());
  const { instanceId, managedNamespace } = settings;
  const intake = new IntakeService({
    objects,
    workflows,
    edits: new ObjectEdits({ objects, installation, requests, states, nodesOf: takeover.nodesOf, queue, clock, logger }),
    retention,
    takeover,
    queue,
    clock,
    logger,
    instanceId,
    managedNamespace,
  });
  return new IntakeLoop({
    objects,
    intake,
    lease: store.leases,
    rival: () => objects.rival(settings.controllerNamespace, clock.nowMs()),
    logger,
    intervalMs: INTAKE_INTERVAL_MS,
  });
};

/** Timers of the scheduler: the sweeper of its queue, schedules and retention. They begin with the program and end before its queue does. */
class SchedulerTimers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeper: Sweeper<{ workflow: string }>;
  private readonly expiry: PeriodicTask;
  private readonly admission: PeriodicTask;
  private readonly schedules: ScheduleTimer;
  private readonly memos: PeriodicTask | undefined;
  private readonly intake: IntakeLoop | undefined;

  constructor(
    ports: SchedulerPorts,
    takeover: TakeoverService | undefined,
    holders: LockHolders | undefined,
    private readonly labels: NamespaceLabels | undefined,
  ) {
    const { store, queue, resources, clock, logger, settings } = ports;
    this.schedules = scheduleTimer(ports);
    this.intake = intakeLoop(ports, takeover);
    this.memos = memoExpiryTimer({
      memos: store.memos,
      resources,
      clock,
      logger,
      intervalMs: settings.cacheGcPeriodMs,
      unusedMs: settings.cacheGcAfterNotHitDurationMs,
    });
    this.expiry = expiryTimer({
      retention: store.retention,
      pods: store.pods,
      requests: store.requests,
      queue,
      clock,
      logger,
      intervalMs: settings.retentionIntervalMs,
      limits: () => (ports.controllerConfig ?? NO_CONFIG).current().retentionPolicy,
      instanceId: settings.instanceId ?? '',
    });
    this.admission = admissionTimer({
      locks: store.locks,
      holders,
      admission: store.admission,
      readLimit: limitReader(resources, store.syncLimits),
      parallelism: parallelismOf(ports, labels),
      queue,
      lease: store.leases,
      clock,
      logger,
      intervalMs: settings.admissionIntervalMs,
    });
    this.sweeper = new Sweeper({
      job: WorkflowJob,
      queue,
      lease: store.leases,
      clock,
      logger,
      page: async (after, dueBeforeMs) => {
        const query = {
          nowMs: clock.nowMs(),
          overdueBeforeMs: dueBeforeMs,
          limit: SWEEP_PAGE,
          ...(after === undefined ? {} : { after }),
        };
        const rows = await store.due.workflows(query);
        return rows.map(({ uid, version }) => ({ key: uid, payload: { workflow: uid }, progress: String(version) }));
      },
    });
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
    this.expiry.start();
    this.admission.start();
    this.labels?.timer.start();
    this.schedules.start();
    this.memos?.start();
    this.intake?.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([
      this.sweeper.stop(),
      this.expiry.stop(),
      this.admission.stop(),
      this.labels?.timer.stop(),
      this.schedules.stop(),
      this.memos?.stop(),
      this.intake?.stop(),
    ]);
  }
}

/** Decides what happens in workflows: load → decide → commit → hint, retention and removal. */
@Module({})
export class SchedulerModule {
  static register(ports: SchedulerPorts): DynamicModule {
    const { store, queue, resources, clock, metrics, settings, controllerConfig = NO_CONFIG } = ports;
    const labels = namespaceLabelsOf(ports);
    const parallelism = parallelismOf(ports, labels);
    const dispatcher = new CommandDispatcher(queue);
    const takeover = takeoverOf(ports);
    const holders =
      takeover &&
      ports.objects &&
      new LockHolders({ objects: ports.objects, workflows: store.workflows, takeover, clock, logger: ports.logger });
    const removal = new RemovalService({
      retention: store.retention,
      locks: store.locks,
      holders,
      dispatcher,
      clock,
      withdrawal: ports.objects && new ObjectWithdrawal(store.workflows, ports.objects),
    });
    const memos = new MemoKeeper(store.memos, new ConfigMapMemos(resources), ports.logger);
    const specMetrics = new SpecMetrics({
      metrics,
      unfinished: (uids) => store.workflows.unfinishedOf(uids),
      clock,
      logger: ports.logger,
      ttlMs: settings.metricsTtlMs,
    });
    const reconciler = new ReconcileService(
      {
        states: store.workflowState,
        retention: store.retention,
        facts: new FactLoader({
          resources,
          repositories: new RepositoryReferences(resources, settings.controllerNamespace),
          memos,
          baselines: store.baselines,
          syncLimits: store.syncLimits,
        }),
        dispatcher,
        clock,
        parallelism,
        metrics: new SchedulerMetrics(metrics, store.workflows),
        memos,
        specMetrics,
        events: eventTeller(ports),
        budgets: ports.objects && new BudgetKeeper({ objects: ports.objects, logger: ports.logger }),
        removal,
        guard: takeover && holders && new RowsGuard(takeover, holders, clock.nowMs()),
      },
      {
        known: async () => {
          await controllerConfig.known();
          await labels?.known();
        },
        get engine() {
          return engineConfigOf(settings.engine, controllerConfig.current());
        },
        get containers() {
          return controllerConfig.current();
        },
        instanceId: settings.instanceId,
        cacheBytes: settings.stateCacheBytes,
        inboxLimit: settings.inboxBatch,
      },
    );
    return {
      module: SchedulerModule,
      controllers: [ReconcileProcessor],
      providers: [
        { provide: ReconcileService, useValue: reconciler },
        { provide: SchedulerTimers, useFactory: () => new SchedulerTimers(ports, takeover, holders, labels) },
      ],
    };
  }
}
