import { Body, Controller, Delete, Get, Headers, Inject, Param, Put, Query } from '@nestjs/common';
import { Store } from '#libs/store';
import { resubmitted, type Workflow } from '#libs/workflow-spec';
import { assertIdempotencyKey } from '../actions/idempotency-key.js';
import { ApiError } from '../errors/errors.js';
import { FieldFilter } from '../presentation/field-filter.js';
import { workflowShape } from '../presentation/wire-shape.js';
import { parseListOptions, parseWorkflowListRequest, queryText, type Query as QueryTexts } from '../selection/list-options.js';
import { SubmissionService } from '../workflows/submission.service.js';
import { given, parseBody, resubmitBody } from '../workflows/submit-options.js';
import { ArchivePages } from '../workflows/archive-pages.js';
import { ArchivedRetry, retryBody } from './archived-retry.js';
import { asListed, asPersisted } from '../workflows/workflow-reader.js';

/** Argo's page size where none is asked for. */
const DEFAULT_LIMIT = 10;

type Answer = Record<string, unknown>;

/** Finished workflows in Argo's archive tables. */
@Controller('api/v1')
export class ArchivedWorkflowsController {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(SubmissionService) private readonly submission: SubmissionService,
    @Inject(ArchivePages) private readonly pages: ArchivePages,
    @Inject(ArchivedRetry) private readonly archived: ArchivedRetry,
  ) {}

  @Get('archived-workflows')
  async list(@Query() query: QueryTexts): Promise<Answer> {
    const { selection, limit: asked, offset } = parseWorkflowListRequest(queryText(query, 'namespace') ?? '', query);
    const fields = new FieldFilter(queryText(query, 'fields'));
    const limit = asked === 0 ? DEFAULT_LIMIT : asked;
    const { workflows, hasMore } = await this.pages.page({ list: 'archived', selection, token: offset }, { offset, limit });
    const items = workflows.map((workflow) => workflowShape(asListed(workflow)));
    const metadata = hasMore ? { continue: String(offset + limit) } : {};
    return fields.apply({ metadata, items: items.length === 0 ? null : items });
  }

  @Get('archived-workflows-label-keys')
  async labelKeys(@Query() query: QueryTexts): Promise<Answer> {
    return { items: await this.store.archive.labelKeys(queryText(query, 'namespace')) };
  }

  @Get('archived-workflows-label-values')
  async labelValues(@Query() query: QueryTexts): Promise<Answer> {
    const [requirement, ...others] = parseListOptions(query).labels;
    if (requirement === undefined || others.length > 0 || requirement.operator !== 'exists') {
      throw new ApiError(3, 'only allow one labelRequirement with operator Exists');
    }
    return { items: await this.store.archive.labelValues(requirement.key, queryText(query, 'namespace')) };
  }

  @Get('archived-workflows/:uid')
  async get(@Param('uid') uid: string, @Query() query: QueryTexts): Promise<Answer> {
    return workflowShape(asPersisted(await this.find(uid, query)));
  }

  @Delete('archived-workflows/:uid')
  async delete(@Param('uid') uid: string, @Query() query: QueryTexts): Promise<Answer> {
    const { metadata } = await this.find(uid, query);
    await this.store.archive.delete(metadata.uid ?? uid);
    return {};
  }

  @Put('archived-workflows/:uid/resubmit')
  async resubmit(@Param('uid') uid: string, @Body() body: unknown, @Headers('idempotency-key') key?: string): Promise<Answer> {
    const original = await this.find(uid, {});
    const { memoized, ...options } = given(parseBody(resubmitBody, body));
    const { workflow, reuse } = resubmitted(original, { memoized: memoized ?? false, ...options });
    const namespace = original.metadata.namespace ?? '';
    const submission = { idempotencyKey: assertIdempotencyKey(key), reuse };
    return workflowShape(await this.submission.submit(namespace, workflow, submission));
  }

  @Put('archived-workflows/:uid/retry')
  async retry(@Param('uid') uid: string, @Body() body: unknown, @Headers('idempotency-key') key?: string): Promise<Answer> {
    const original = await this.find(uid, {});
    const options = given(parseBody(retryBody, body));
    return workflowShape(await this.archived.retry(original, options, assertIdempotencyKey(key)));
  }

  /** By uid, else (Argo 4.1) the newest of the name that the query gives. */
  private async find(uid: string, query: QueryTexts): Promise<Workflow> {
    const namespace = queryText(query, 'namespace');
    const name = queryText(query, 'name');
    const byUid = await this.store.archive.getByUid(uid);
    const isByName = byUid === undefined && name !== undefined && namespace !== undefined;
    const workflow = isByName ? await this.store.archive.getByName(namespace, name) : byUid;
    if (workflow === undefined || (namespace !== undefined && workflow.metadata.namespace !== namespace))
      throw new ApiError(5, 'not found');
    return workflow;
  }
}
