import { Inject, Injectable } from '@nestjs/common';
import { Store, type WorkflowChange, type WorkflowListQuery } from '#libs/store';
import { TransientError, type Workflow } from '#libs/workflow-spec';
import { ApiError } from '../errors/errors.js';
import { FieldFilter } from '../presentation/field-filter.js';
import { workflowShape } from '../presentation/wire-shape.js';
import type { ListOptions } from '../selection/list-options.js';
import type { EventStream } from '../streams/event-stream.js';
import { WorkflowReader } from '../workflows/workflow-reader.js';
import { WorkflowWatch, type WatchEventType } from './workflow-watch.js';

/** Workflows per page of the first replay and of the regular look. */
const PAGE_ROWS = 200;
/** A watcher looks for itself this often: a notification may be lost between a COMMIT and its NOTIFY. */
const LOOK_INTERVAL_MS = 10_000;
/** Between two tries while the database is away; the stream stays open. */
const RETRY_MS = 1_000;

interface Watching {
  watch: WorkflowWatch;
  stream: EventStream;
  query: WorkflowListQuery;
  fields: FieldFilter;
}

/** Streams the changes of workflows: what is there first (ADDED), then each change as it happens, until the client goes. */
@Injectable()
export class WatchService {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
  ) {}

  async watch(stream: EventStream, namespace: string, options: ListOptions, fields: FieldFilter): Promise<void> {
    const name = await this.watchedName(namespace, options);
    const selection = { namespace: namespace || (options.fields.namespace ?? ''), name, labels: options.labels };
    const query: WorkflowListQuery = {
      ...(selection.namespace === '' ? {} : { namespace: selection.namespace }),
      ...(name === undefined ? {} : { name: { match: 'exact', value: name } }),
      labels: options.labels,
      limit: PAGE_ROWS,
    };
    const watch = new WorkflowWatch(selection);
    // Subscribed before the replay, so that nothing falls between the two.
    const unsubscribe = this.store.changes.subscribe((change) => watch.note(change));
    try {
      stream.open();
      await this.follow({ watch, stream, query, fields }, sinceOf(options.resourceVersion));
    } finally {
      unsubscribe();
    }
  }

  /** A watch of one name says at once that there is no such workflow; `@latest` is replaced by the name it stands for. */
  private async watchedName(namespace: string, { fields }: ListOptions): Promise<string | undefined> {
    if (fields.name === undefined) return undefined;
    const found = await this.reader.find(fields.namespace ?? namespace, fields.name);
    return found.place === 'live' ? found.stored.name : (found.workflow.metadata.name ?? fields.name);
  }

  private async follow(watching: Watching, sinceRevision: number): Promise<void> {
    const { watch, stream } = watching;
    let lookAtMs = 0;
    let since = sinceRevision;
    while (!stream.signal.aborted) {
      if (watch.isOverrun) throw new ApiError(8, 'the client reads too slowly; connect again');
      try {
        if (performance.now() >= lookAtMs) {
          await this.look(watching, since);
          since = 0;
          lookAtMs = performance.now() + LOOK_INTERVAL_MS;
        }
        for (const change of watch.take()) await this.tell(watching, change);
        await watch.waitForChange(Math.max(0, lookAtMs - performance.now()), stream.signal);
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        // The database is away: nothing is lost, everything is looked at again when it is back.
        lookAtMs = 0;
        await watch.waitForChange(RETRY_MS, stream.signal);
      }
    }
  }

  /** Compares every selected workflow's version with what the client knows. What is not newer than `since` the client has from its list. */
  private async look({ watch, stream, query, fields }: Watching, since: number): Promise<void> {
    let after: WorkflowListQuery['after'];
    do {
      const page = await this.store.workflows.listPage({ ...query, ...(after === undefined ? {} : { after }) });
      for (const row of page.rows) {
        if (row.revision <= since) watch.skip(row.uid, String(row.revision));
        else if (row.deletedAtMs === null && watch.isBehind(row.uid, String(row.revision)))
          await this.tellWorkflow({ watch, stream, query, fields }, row.uid);
        if (stream.signal.aborted) return;
      }
      after = page.next;
    } while (after !== undefined);
  }

  private async tell(watching: Watching, change: WorkflowChange): Promise<void> {
    if (change.type === 'changed') return this.tellWorkflow(watching, change.uid);
    if (!watching.watch.forget(change.uid)) return;
    const { uid, namespace, name } = change;
    await send(watching, 'DELETED', { metadata: { uid, namespace, name }, spec: {} });
  }

  private async tellWorkflow(watching: Watching, uid: string): Promise<void> {
    const stored = await this.store.workflows.getByUid(uid);
    if (stored === undefined) return;
    const needsNodes = watching.fields.keeps('result.object.status.nodes');
    const workflow = needsNodes ? await this.reader.renderWhole(uid) : (await this.reader.renderHeaders([uid]))[0];
    if (workflow === undefined) return;
    if (stored.deletedAtMs !== null) {
      if (watching.watch.forget(uid)) await send(watching, 'DELETED', workflow);
      return;
    }
    const type = watching.watch.eventFor(workflow);
    if (type !== undefined) await send(watching, type, workflow);
  }
}

const send = ({ stream, fields }: Watching, type: WatchEventType, workflow: Workflow): Promise<boolean> =>
  stream.send(fields.apply({ result: { type, object: workflowShape(workflow) } }));

/** 0 or absent: everything that is there comes first. */
const sinceOf = (resourceVersion: string | undefined): number =>
  /^\d{1,15}$/.test(resourceVersion ?? '') ? Number(resourceVersion) : 0;
