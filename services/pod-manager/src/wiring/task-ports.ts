import type { ArtifactDrivers } from '#libs/artifacts';
import type { JobQueue } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import type { ResourceStore } from '#libs/resources';
import type { Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

/** What tasks are wired from. */
export interface TaskPorts {
  store: Store;
  queue: JobQueue;
  resources: ResourceStore;
  artifacts: ArtifactDrivers;
  clock: Clock;
  logger: Logger;
}
