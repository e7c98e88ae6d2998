import { type BeforeApplicationShutdown, type DynamicModule, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { type JobQueue, RecordJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { type ClaimedJob, type PeriodicTask, Sweeper } from '#libs/queue';
import { type ControllerSettings, fixedControllerSettings, type WorkflowObjects } from '#libs/resources';
import type { Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { OffloadElsewhere, type OffloadTarget } from './offloading/offload-elsewhere.js';
import { type OffloadPolicy, offloadPolicyOf } from './offloading/offload-policy.js';
import { recordRenewal } from './offloading/record-renewal.js';
import { type ProjectionSettings, ProjectionService } from './projection/projection.service.js';
import { RecordProcessor } from './projection/record.processor.js';
import { offloadPruner } from './pruning/offload-pruner.js';

export interface OffloaderSettings extends ProjectionSettings, OffloadPolicy {
  recordConcurrency: number;
  /** How often and from which age on offloaded versions are pruned. */
  pruneIntervalMs: number;
  offloadTtlMs: number;
}

/** What the offloader is wired from. */
export interface OffloaderPorts {
  store: Pick<Store, 'workflowState' | 'records' | 'offloadNotes' | 'handoffs' | 'installationKeys' | 'due' | 'leases'>;
  queue: JobQueue;
  clock: Clock;
  logger: Logger;
  settings: OffloaderSettings;
  /** The controller's ConfigMap, whose `persistence` goes before the variables. Absent: it says nothing. */
  controllerConfig?: ControllerSettings;
  /** The database that `persistence` names; undefined: Argo's tables stand beside ours. Rejects with TransientError while it is not known. */
  argoDatabase?: () => Promise<OffloadTarget | undefined>;
  /** Objects on a cluster; absent: there is no cluster. */
  objects?: Pick<WorkflowObjects, 'project'> | undefined;
}

/** The jobs that a program with this module in it claims. */
export const offloaderJobs = (settings: Pick<OffloaderSettings, 'recordConcurrency'>): ClaimedJob[] => [
  { job: RecordJob, concurrency: settings.recordConcurrency },
];

const SWEEP_PAGE = 500;
const NO_CONFIG = fixedControllerSettings();

const elsewhereOf =
  ({ store, argoDatabase }: OffloaderPorts) =>
  async (): Promise<OffloadElsewhere | undefined> => {
    const target = await argoDatabase?.();
    return target && new OffloadElsewhere(target, store.offloadNotes);
  };

const policyOf =
  ({ settings, controllerConfig = NO_CONFIG }: OffloaderPorts) =>
  async (): Promise<OffloadPolicy> => {
    await controllerConfig.known();
    return offloadPolicyOf({ offload: settings.offload }, controllerConfig.current());
  };

/** Timers of the offloader: the sweeper of its queue, pruning, and records to be made again. */
class OffloaderTimers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeper: Sweeper<{ workflow: string }>;
  private readonly pruner: PeriodicTask;
  private readonly renewal: PeriodicTask;
  private readonly endListening: () => void;

  constructor(ports: OffloaderPorts) {
    const { store, queue, clock, logger, settings, controllerConfig = NO_CONFIG } = ports;
    this.pruner = offloadPruner({
      records: store.records,
      elsewhere: elsewhereOf(ports),
      lease: store.leases,
      clock,
      logger,
      intervalMs: settings.pruneIntervalMs,
      ttlMs: settings.offloadTtlMs,
    });
    this.renewal = recordRenewal({
      records: store.records,
      policy: policyOf(ports),
      elsewhere: elsewhereOf(ports),
      queue,
      lease: store.leases,
      clock,
      logger,
      intervalMs: settings.pruneIntervalMs,
    });
    this.endListening = controllerConfig.onChange(() => void this.renewal.run());
    this.sweeper = new Sweeper({
      job: RecordJob,
      queue,
      lease: store.leases,
      clock,
      logger,
      page: async (after, overdueBeforeMs) => {
        const rows = await store.due.records({ overdueBeforeMs, limit: SWEEP_PAGE, ...(after === undefined ? {} : { after }) });
        return rows.map(({ uid, version }) => ({ key: uid, payload: { workflow: uid }, progress: String(version) }));
      },
    });
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
    this.pruner.start();
    this.renewal.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.endListening();
    await Promise.all([this.sweeper.stop(), this.pruner.stop(), this.renewal.stop()]);
  }
}

/** Keeps the size-limited public record of each workflow: inline, compressed or offloaded. */
@Module({})
export class OffloaderModule {
  static register(ports: OffloaderPorts): DynamicModule {
    const { store, clock, settings } = ports;
    const { workflowState: states, records, handoffs } = store;
    const projection = new ProjectionService(
      {
        states,
        records,
        handoffs,
        policy: policyOf(ports),
        elsewhere: elsewhereOf(ports),
        clock,
        objects: ports.objects,
        installation: () => store.installationKeys.identity(clock.nowMs()),
      },
      settings,
    );
    return {
      module: OffloaderModule,
      controllers: [RecordProcessor],
      providers: [
        { provide: ProjectionService, useValue: projection },
        { provide: OffloaderTimers, useFactory: () => new OffloaderTimers(ports) },
      ],
    };
  }
}
