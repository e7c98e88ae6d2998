import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { keyOf } from '#libs/artifacts';
import { Store, type ShownDeletion } from '#libs/store';
import { formatTime } from '#libs/workflow-spec';

const PAGE = 500;

/** Deletions of artifacts as rows: also those whose workflow is gone already. Paths of our own; Argo has no such thing. */
@Controller('api/argosy/v1/artifact-deletions')
export class ArtifactDeletionsController {
  constructor(@Inject(Store) private readonly store: Store) {}

  @Get(':namespace')
  async list(@Param('namespace') namespace: string, @Query() query: { workflow?: string; after?: string }): Promise<object> {
    const afterId = Number(query.after ?? 0);
    const rows = await this.store.artifactDeletions.shownPage({
      ...{ namespace, limit: PAGE, afterId: Number.isSafeInteger(afterId) ? afterId : 0 },
      ...(query.workflow === undefined ? {} : { workflowName: query.workflow }),
    });
    const last = rows.length < PAGE ? undefined : rows.at(-1);
    return { items: rows.map(shown), ...(last === undefined ? {} : { after: String(last.id) }) };
  }
}

const shown = (row: ShownDeletion): object => ({
  workflow: row.workflowName,
  uid: row.workflowUid,
  node: row.nodeId,
  artifact: row.artifactName,
  key: keyOf(row.location),
  strategy: row.strategy,
  state: row.state,
  attempts: row.attempts,
  ...(row.lastError === null ? {} : { lastError: row.lastError }),
  ...(row.state === 'pending' ? { nextTryAt: formatTime(row.nextTryAtMs) } : {}),
});
