import { Inject, Injectable } from '@nestjs/common';
import { Store, type WorkflowListRow } from '#libs/store';
import { TransientError, type Workflow } from '#libs/workflow-spec';
import type { FieldFilter } from '../presentation/field-filter.js';
import { workflowShape } from '../presentation/wire-shape.js';
import type { WorkflowListRequest, WorkflowSelection } from '../selection/list-options.js';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { type ArchivedPage, ArchivePages, type ArchivePlace, type PageRequest } from './archive-pages.js';
import { asListed, workflowFromRow, WorkflowReader } from './workflow-reader.js';

/** Rows per query; a page of any size is read in such pieces. */
const PAGE_ROWS = 500;
/** A remaining count of the archive is exact up to here; more rows than this count as so many. */
const COUNTED_ROWS = 100_000;
const NO_PAGE = { workflows: [], revision: 0 };

/** What the list's columns can answer; anything else needs the stored object. */
const BODY_PATHS = [
  'spec',
  'metadata.labels',
  'metadata.ownerReferences',
  'metadata.resourceVersion',
  'metadata.generateName',
  'status.nodes',
  'status.conditions',
  'status.outputs',
  'status.resourcesDuration',
  'status.storedTemplates',
];

export interface WorkflowListAnswer {
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  items: Record<string, unknown>[] | null;
}

interface Seen {
  liveCount: number;
  /** Items that this page and those before it show. */
  seen: number;
  archived: { hasMore: boolean; isAway?: true };
  /** The client wants the number. */
  isCounted: boolean;
}

/** The merged list: live workflows first, then those that only the archive holds, newest first in each; no workflow twice. */
@Injectable()
export class WorkflowListService {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
    @Inject(ArchivePages) private readonly pages: ArchivePages,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
  ) {}

  async list(request: WorkflowListRequest, fields: FieldFilter): Promise<WorkflowListAnswer> {
    const { offset } = request;
    const selection = { ...request.selection, undeleted: true };
    const limit = request.limit === 0 ? Infinity : request.limit;
    const place: ArchivePlace = { list: 'merged', selection: { ...selection, notLive: true }, token: offset };
    const liveCount = await this.store.workflows.count(selection);
    const isPastLive = offset >= liveCount || this.pages.knows(place);
    const live = isPastLive ? NO_PAGE : await this.livePage(selection, { offset, limit }, fields);
    const shown = live.workflows.length;
    const archived = await this.archivedPage(place, {
      offset: Math.max(0, offset - liveCount),
      limit: limit - shown,
      itemsBefore: shown,
    });
    const items = [...live.workflows, ...archived.workflows].map((workflow) => workflowShape(itemFields(fields, workflow)));
    const seen = offset + items.length;
    const remaining = await this.remaining(selection, { liveCount, seen, archived, isCounted: request.showRemainingItemCount });
    const metadata = {
      // A watch from here sees everything that is newer than the newest row of this page.
      resourceVersion: String(live.revision),
      ...(remaining > 0 && items.length > 0 ? { continue: String(seen) } : {}),
      ...(request.showRemainingItemCount ? { remainingItemCount: remaining } : {}),
    };
    return { metadata: fields.apply({ metadata }).metadata ?? {}, items: items.length === 0 ? null : items };
  }

  /** While the archive is away, lists show what is live: nobody waits for it. */
  private async archivedPage(place: ArchivePlace, request: PageRequest): Promise<ArchivedPage & { isAway?: true }> {
    try {
      const { workflows, hasMore } = await this.pages.page(place, request);
      return { workflows: workflows.map(asListed), hasMore };
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      this.context.logger.warn('a list goes without the archive, which is away', { error: error.message });
      return { workflows: [], hasMore: false, isAway: true };
    }
  }

  /**
   * As in Argo a workflow that is live and archived counts twice here; an empty page therefore ends the list. Counted is only as far as
   * the answer needs it, and never beyond COUNTED_ROWS.
   */
  private async remaining(selection: WorkflowSelection, { liveCount, seen, archived, isCounted }: Seen): Promise<number> {
    if (archived.isAway) return Math.max(0, liveCount - seen);
    if (archived.hasMore && !isCounted) return 1;
    const needed = Math.max(1, seen - liveCount + 1);
    const most = isCounted ? Math.max(COUNTED_ROWS, needed) : needed;
    return Math.max(0, liveCount + (await this.store.archive.count(selection, most)) - seen);
  }

  private async livePage(
    selection: WorkflowSelection,
    page: { offset: number; limit: number },
    fields: FieldFilter,
  ): Promise<{ workflows: Workflow[]; revision: number }> {
    const workflows: Workflow[] = [];
    let revision = 0;
    const needsBody = BODY_PATHS.some((path) => fields.keeps(`items.${path}`));
    while (workflows.length < page.limit) {
      const limit = Math.min(PAGE_ROWS, page.limit - workflows.length);
      const { rows } = await this.store.workflows.listPage({ ...selection, limit, offset: page.offset + workflows.length });
      for (const row of rows) revision = Math.max(revision, row.revision);
      workflows.push(...(needsBody ? await this.bodies(rows, fields) : rows.map(workflowFromRow)));
      if (rows.length < limit) break;
    }
    return { workflows, revision };
  }

  private async bodies(rows: readonly WorkflowListRow[], fields: FieldFilter): Promise<Workflow[]> {
    const uids = rows.map(({ uid }) => uid);
    if (!fields.keeps('items.status.nodes')) return this.reader.renderHeaders(uids);
    const workflows: Workflow[] = [];
    for (const uid of uids) {
      const workflow = await this.reader.renderWhole(uid);
      if (workflow !== undefined) workflows.push(workflow);
    }
    return workflows;
  }
}

const itemFields = (fields: FieldFilter, workflow: Workflow): Workflow =>
  (fields.apply({ items: [workflow] }).items ?? [])[0] ?? { metadata: {}, spec: {} };
