import { type BeforeApplicationShutdown, type DynamicModule, Module, type OnApplicationBootstrap } from '@nestjs/common';

import type { ArtifactDrivers } from '#libs/artifacts';
import { ArtifactGcJob, type JobQueue } from '#libs/jobs';
import type { Logger, Metrics } from '#libs/observability';
import { type ClaimedJob, type PeriodicTask, Sweeper } from '#libs/queue';
import type { CredentialNamespaces } from '#libs/program';
import type { Store } from '#libs/store';
import type { Clock, KubernetesObject } from '#libs/workflow-spec';

import { CollectProcessor } from './collect/collect.processor.js';
import { CollectorService, type CollectorSettings } from './collect/collector.service.js';
import { dueCollections } from './collect/due-page.js';
import { finishedPurge } from './collect/finished-purge.js';
import { ObjectDeleter } from './deletion/object-deleter.js';
import { DeletionPlanner } from './planning/deletion-planner.js';

export interface ArtifactGcSettings extends CollectorSettings {
  /** Workflows at the same time. */
  concurrency: number;
  /** How long rows of finished deletions are kept. */
  keepFinishedMs: number;
  /** Location block that is lent to artifacts which give only a key, where the workflow has frozen none. */
  repository?: KubernetesObject | undefined;
}

/** What artifact-gc is wired from. */
export interface ArtifactGcPorts {
  store: Pick<Store, 'artifactDeletions' | 'inbox' | 'leases'>;
  /** Whose Secrets open an object. */
  credentials: CredentialNamespaces;
  queue: JobQueue;
  drivers: ArtifactDrivers;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  settings: ArtifactGcSettings;
}

/** The jobs that a program with this module in it claims. */
export const artifactGcJobs = ({ concurrency }: Pick<ArtifactGcSettings, 'concurrency'>): ClaimedJob[] => [
  { job: ArtifactGcJob, concurrency },
];

/** Begin with the program and end before its queue does. */
class ArtifactGcTimers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeper: Sweeper<{ workflow: string }>;
  private readonly purge: PeriodicTask;

  constructor({ store, queue, clock, logger, settings }: ArtifactGcPorts) {
    const deletions = store.artifactDeletions;
    this.sweeper = new Sweeper({
      job: ArtifactGcJob,
      queue,
      lease: store.leases,
      clock,
      logger,
      page: dueCollections(deletions, clock),
    });
    this.purge = finishedPurge({ deletions, clock, logger, keepMs: settings.keepFinishedMs });
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
    this.purge.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.sweeper.stop(), this.purge.stop()]);
  }
}

/** Deletes artifacts by strategy, object by object. */
@Module({})
export class ArtifactGcModule {
  static register(ports: ArtifactGcPorts): DynamicModule {
    const { store, queue, drivers, credentials, clock, logger, metrics, settings } = ports;
    const deletions = store.artifactDeletions;
    const planner = new DeletionPlanner({ deletions, clock, repository: settings.repository, credentials });
    const deleter = new ObjectDeleter({ deletions, drivers, credentials, clock, parallel: settings.parallelDeletions });
    showCounts(metrics, deletions);
    return {
      module: ArtifactGcModule,
      controllers: [CollectProcessor],
      providers: [
        {
          provide: CollectorService,
          useValue: new CollectorService({
            planner,
            deleter,
            deletions,
            inbox: store.inbox,
            queue,
            clock,
            logger,
            metrics,
            settings,
          }),
        },
        { provide: ArtifactGcTimers, useFactory: () => new ArtifactGcTimers(ports) },
      ],
    };
  }
}

function showCounts(metrics: Metrics, deletions: Pick<Store['artifactDeletions'], 'countsByState' | 'failingCount'>): void {
  const gauge = metrics.gauge({
    name: 'argosy_artifact_deletions',
    help: 'Artifact deletions in the table, by state.',
    labelNames: ['state'],
  });
  const failing = metrics.gauge({
    name: 'argosy_artifact_deletions_failing',
    help: 'Artifact deletions that have failed and are tried again.',
  });
  metrics.beforeScrape(async () => {
    const counts = await deletions.countsByState();
    failing.set(await deletions.failingCount());
    gauge.reset();
    for (const [state, count] of Object.entries(counts)) gauge.set(count, { state });
  });
}
