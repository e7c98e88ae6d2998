import { type BeforeApplicationShutdown, type DynamicModule, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { ArchiveJob, type JobQueue } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { type ClaimedJob, type PeriodicTask, Sweeper } from '#libs/queue';
import { type ControllerSettings, fixedControllerSettings, type WorkflowObjects } from '#libs/resources';
import type { Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { ArchiveProcessor } from './archiving/archive.processor.js';
import { type ArchivePolicy, archivePolicyOf } from './archive-policy.js';
import { ArchivingService } from './archiving/archiving.service.js';
import { archiveExpiry } from './expiry/archive-expiry.js';

export interface ArchiverSettings extends ArchivePolicy {
  archiveConcurrency: number;
  expiryIntervalMs: number;
}

/** What the archiver is wired from. */
export interface ArchiverPorts {
  store: Pick<Store, 'workflowState' | 'archive' | 'handoffs' | 'due' | 'leases'>;
  queue: JobQueue;
  clock: Clock;
  logger: Logger;
  settings: ArchiverSettings;
  /** The controller's ConfigMap, whose `persistence` goes before the variables. Absent: it says nothing. */
  controllerConfig?: ControllerSettings;
  /** Objects on a cluster; absent: there is no cluster. */
  objects?: Pick<WorkflowObjects, 'setLabel'> | undefined;
}

/** The jobs that a program with this module in it claims. */
export const archiverJobs = (settings: Pick<ArchiverSettings, 'archiveConcurrency'>): ClaimedJob[] => [
  { job: ArchiveJob, concurrency: settings.archiveConcurrency },
];

const SWEEP_PAGE = 500;
const NO_CONFIG = fixedControllerSettings();

const policyOf = ({ settings, controllerConfig = NO_CONFIG }: ArchiverPorts): ArchivePolicy =>
  archivePolicyOf(settings, controllerConfig.current());

/** Timers of the archiver: the sweeper of its queue, and the archive's TTL. */
class ArchiverTimers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeper: Sweeper<{ workflow: string }>;
  private readonly expiry: PeriodicTask;
  private readonly endListening: () => void;

  constructor(ports: ArchiverPorts) {
    const { store, queue, clock, logger, settings, controllerConfig = NO_CONFIG } = ports;
    this.expiry = archiveExpiry({
      archive: store.archive,
      lease: store.leases,
      clock,
      logger,
      intervalMs: settings.expiryIntervalMs,
      ttlMs: async () => {
        // What is deleted does not come back: the variable does not count before the ConfigMap has been read.
        await controllerConfig.known();
        return policyOf(ports).ttlMs;
      },
    });
    this.endListening = controllerConfig.onChange(() => void this.expiry.run());
    this.sweeper = new Sweeper({
      job: ArchiveJob,
      queue,
      lease: store.leases,
      clock,
      logger,
      page: async (after, overdueBeforeMs) => {
        const rows = await store.due.handoffs('archive', {
          overdueBeforeMs,
          limit: SWEEP_PAGE,
          ...(after === undefined ? {} : { after }),
        });
        return rows.map(({ uid, version }) => ({ key: uid, payload: { workflow: uid }, progress: String(version) }));
      },
    });
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
    this.expiry.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.endListening();
    await Promise.all([this.sweeper.stop(), this.expiry.stop()]);
  }
}

/** Puts finished workflows into Argo's archive tables, and deletes them when the archive's TTL has passed. */
@Module({})
export class ArchiverModule {
  static register(ports: ArchiverPorts): DynamicModule {
    const { store, clock, controllerConfig = NO_CONFIG } = ports;
    const archiving = new ArchivingService(
      { states: store.workflowState, archive: store.archive, handoffs: store.handoffs, clock, objects: ports.objects },
      { known: () => controllerConfig.known(), policy: () => policyOf(ports) },
    );
    return {
      module: ArchiverModule,
      controllers: [ArchiveProcessor],
      providers: [
        { provide: ArchivingService, useValue: archiving },
        { provide: ArchiverTimers, useFactory: () => new ArchiverTimers(ports) },
      ],
    };
  }
}
