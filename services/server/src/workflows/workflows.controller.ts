import { Controller, Delete, Get, Inject, Param, Query } from '@nestjs/common';
import { FieldFilter } from '../presentation/field-filter.js';
import { workflowShape } from '../presentation/wire-shape.js';
import { parseWorkflowListRequest, queryFlag, queryText, type Query as QueryTexts } from '../selection/list-options.js';
import { ActionService } from '../actions/action.service.js';
import { WorkflowListService, type WorkflowListAnswer } from './workflow-list.service.js';
import { WorkflowReader } from './workflow-reader.js';

type Answer = Record<string, unknown>;

/** Workflows that are there: list, read, delete. Actions on one workflow stand in `actions/`. */
@Controller('api/v1/workflows')
export class WorkflowsController {
  constructor(
    @Inject(WorkflowListService) private readonly lists: WorkflowListService,
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
    @Inject(ActionService) private readonly actions: ActionService,
  ) {}

  @Get()
  listAll(@Query() query: QueryTexts): Promise<WorkflowListAnswer> {
    return this.list('', query);
  }

  @Get(':namespace')
  list(@Param('namespace') namespace: string, @Query() query: QueryTexts): Promise<WorkflowListAnswer> {
    return this.lists.list(parseWorkflowListRequest(namespace, query), new FieldFilter(queryText(query, 'fields')));
  }

  @Get(':namespace/:name')
  async get(@Param('namespace') namespace: string, @Param('name') name: string, @Query() query: QueryTexts): Promise<Answer> {
    const fields = new FieldFilter(queryText(query, 'fields'));
    const found = await this.reader.find(namespace, name, queryText(query, 'uid'));
    return workflowShape(fields.apply(await this.reader.get(found, fields.keeps('status.nodes'))));
  }

  @Delete(':namespace/:name')
  async delete(@Param('namespace') namespace: string, @Param('name') name: string, @Query() query: QueryTexts): Promise<Answer> {
    await this.actions.delete(namespace, name, queryFlag(query, 'force'));
    return {};
  }
}
