import { Inject, Injectable } from '@nestjs/common';
import { Store, type WorkflowListRow } from '#libs/store';
import type { Workflow } from '#libs/workflow-spec';
import type { FieldFilter } from '../presentation/field-filter.js';
import { workflowShape } from '../presentation/wire-shape.js';
import type { WorkflowListRequest, WorkflowSelection } from '../selection/list-options.js';
import { asListed, workflowFromRow, WorkflowReader } from './workflow-reader.js';

/** Rows per query; a page of any size is read in such pieces. */
const PAGE_ROWS = 500;

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

/** The merged list: live workflows first, then those that only the archive holds, newest first in each; no workflow twice. */
@Injectable()
export class WorkflowListService {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
  ) {}

  async list(request: WorkflowListRequest, fields: FieldFilter): Promise<WorkflowListAnswer> {
    const { offset } = request;
    const selection = { ...request.selection, undeleted: true };
    const [liveCount, archivedCount] = await Promise.all([
      this.store.workflows.count(selection),
      this.store.archive.count(selection),
    ]);
    const limit = request.limit === 0 ? Infinity : request.limit;
    const live = offset < liveCount ? await this.livePage(selection, { offset, limit }, fields) : { workflows: [], revision: 0 };
    const archived =
      live.workflows.length < limit
        ? await this.archivedPage(selection, { offset: Math.max(0, offset - liveCount), limit: limit - live.workflows.length })
        : [];
    const items = [...live.workflows, ...archived].map((workflow) => workflowShape(itemFields(fields, workflow)));
    // As in Argo a workflow that is live and archived counts twice here; an empty page therefore ends the list.
    const remaining = Math.max(0, liveCount + archivedCount - offset - items.length);
    const metadata = {
      // A watch from here sees everything that is newer than the newest row of this page.
      resourceVersion: String(live.revision),
      ...(remaining > 0 && items.length > 0 ? { continue: String(offset + items.length) } : {}),
      ...(request.showRemainingItemCount ? { remainingItemCount: remaining } : {}),
    };
    return { metadata: fields.apply({ metadata }).metadata ?? {}, items: items.length === 0 ? null : items };
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

  private async archivedPage(selection: WorkflowSelection, page: { offset: number; limit: number }): Promise<Workflow[]> {
    const workflows: Workflow[] = [];
    while (workflows.length < page.limit) {
      const limit = Math.min(PAGE_ROWS, page.limit - workflows.length);
      const { workflows: rows } = await this.store.archive.list({
        ...selection,
        limit,
        offset: page.offset + workflows.length,
        notLive: true,
      });
      workflows.push(...rows.map(asListed));
      if (rows.length < limit) break;
    }
    return workflows;
  }
}

const itemFields = (fields: FieldFilter, workflow: Workflow): Workflow =>
  (fields.apply({ items: [workflow] }).items ?? [])[0] ?? { metadata: {}, spec: {} };
