import { AdmissionRepository } from './admission/admission.repository.js';
import { Archive } from './archive/archive.js';
import { type ArchiveStoreOptions } from './archive/archive-store.js';
import { ArtifactDeletionRepository } from './artifact-gc/artifact-deletion.repository.js';
import { type ChangeFeedOptions, ChangeFeed } from './changes/change-feed.js';
import { Database, type DatabaseOptions, type StoreHealth } from './connection/database.js';
import { DueRepository } from './due/due.repository.js';
import { HandoffRepository } from './due/handoff.repository.js';
import { InboxRepository } from './inbox/inbox.repository.js';
import { RequestRepository } from './inbox/request.repository.js';
import { InstallationKeyRepository } from './installation/installation-key.repository.js';
import { AdvisoryLease } from './lease/advisory-lease.js';
import { BaselineRepository } from './baselines/baseline.repository.js';
import { MemoRepository } from './memos/memo.repository.js';
import { LockRepository } from './locks/lock.repository.js';
import { SyncLimitRepository } from './locks/sync-limit.repository.js';
import { LogShipmentRepository } from './pods/log-shipment.repository.js';
import { PodAccessRepository } from './pods/pod-access.repository.js';
import { PodHostRepository } from './pods/pod-host.repository.js';
import { PodStatusRepository } from './pods/pod-status.repository.js';
import { PodRepository } from './pods/pod.repository.js';
import { TaskRepository } from './pods/task.repository.js';
import { OffloadNotesRepository } from './record/offload-notes.repository.js';
import { RecordRepository } from './record/record.repository.js';
import { ResourceTableRepository } from './resources/resource.table.js';
import { RetentionRepository } from './retention/retention.repository.js';
import { ScheduleRepository } from './schedules/schedule.repository.js';
import { ShardLeaseRepository } from './shards/shard-lease.repository.js';
import { WorkflowStateRepository } from './state/state.repository.js';
import { TakeoverRepository } from './takeover/takeover.repository.js';
import { WorkflowRepository } from './workflows/workflow.repository.js';

export interface StoreOptions extends DatabaseOptions {
  changes?: ChangeFeedOptions;
  /** How our rows in Argo's own tables are marked. */
  argo?: ArchiveStoreOptions;
}

/** Everything that is kept in Postgres, by concept. Constructing it connects nowhere: Postgres may be away. */
export class Store {
  readonly workflows: WorkflowRepository;
  readonly workflowState: WorkflowStateRepository;
  readonly takeover: TakeoverRepository;
  readonly inbox: InboxRepository;
  readonly requests: RequestRepository;
  readonly pods: PodRepository;
  readonly podStatus: PodStatusRepository;
  readonly podAccess: PodAccessRepository;
  readonly tasks: TaskRepository;
  readonly logShipments: LogShipmentRepository;
  readonly podHosts: PodHostRepository;
  readonly shardLeases: ShardLeaseRepository;
  readonly locks: LockRepository;
  readonly syncLimits: SyncLimitRepository;
  readonly admission: AdmissionRepository;
  readonly due: DueRepository;
  readonly handoffs: HandoffRepository;
  readonly retention: RetentionRepository;
  readonly memos: MemoRepository;
  readonly baselines: BaselineRepository;
  readonly records: RecordRepository;
  readonly offloadNotes: OffloadNotesRepository;
  readonly archive: Archive;
  readonly artifactDeletions: ArtifactDeletionRepository;
  /** What libs/resources' table store is built on. */
  readonly resources: ResourceTableRepository;
  readonly schedules: ScheduleRepository;
  readonly leases: AdvisoryLease;
  readonly installationKeys: InstallationKeyRepository;
  readonly changes: ChangeFeed;
  /** For fsck and tests; programs use the repositories. */
  readonly database: Database;

  constructor(options: StoreOptions) {
    const database = new Database(options);
    this.database = database;
    this.changes = new ChangeFeed(database, options.changes, options.logger);
    this.workflows = new WorkflowRepository(database, this.changes);
    this.workflowState = new WorkflowStateRepository(database, this.changes);
    this.takeover = new TakeoverRepository(database, this.changes);
    this.inbox = new InboxRepository(database);
    this.requests = new RequestRepository(database, this.changes);
    this.pods = new PodRepository(database);
    this.podStatus = new PodStatusRepository(database);
    this.podAccess = new PodAccessRepository(database);
    this.tasks = new TaskRepository(database);
    this.logShipments = new LogShipmentRepository(database);
    this.podHosts = new PodHostRepository(database);
    this.shardLeases = new ShardLeaseRepository(database);
    this.locks = new LockRepository(database);
    this.syncLimits = new SyncLimitRepository(database);
    this.admission = new AdmissionRepository(database);
    this.due = new DueRepository(database);
    this.handoffs = new HandoffRepository(database);
    this.retention = new RetentionRepository(database, this.changes);
    this.memos = new MemoRepository(database);
    this.records = new RecordRepository(database, options.argo);
    this.offloadNotes = new OffloadNotesRepository(database);
    this.archive = new Archive(database, options.argo);
    this.baselines = new BaselineRepository(database, this.archive);
    this.artifactDeletions = new ArtifactDeletionRepository(database);
    this.resources = new ResourceTableRepository(database);
    this.schedules = new ScheduleRepository(database, this.changes);
    this.leases = new AdvisoryLease(database);
    this.installationKeys = new InstallationKeyRepository(database);
  }

  /** For `/readyz`; asks Postgres, never rejects. */
  health(): Promise<StoreHealth> {
    return this.database.health();
  }

  /** The database's own clock, in milliseconds since 1970; for a look at how far clocks are apart, and for nothing that is decided. */
  async databaseTimeMs(): Promise<number> {
    const text = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "timeMs"';
    const rows = await this.database.run<{ timeMs: number }>({ text });
    return rows[0]?.timeMs ?? Number.NaN;
  }

  /** Resolves once the schema is there; tries again until `timeoutMs` has passed, then rejects with the last TransientError. */
  async waitUntilReady(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        return await this.database.ensureReady();
      } catch (error) {
        if (performance.now() >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async close(): Promise<void> {
    await this.changes.close();
    this.leases.close();
    await this.database.close();
  }
}

/** See Store. */
export const createStore = (options: StoreOptions): Store => new Store(options);
