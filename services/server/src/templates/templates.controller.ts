import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import type { Query as QueryTexts } from '../selection/list-options.js';
import { TemplateObjects, type TemplateAnswer } from './template-objects.service.js';

type Answer = Promise<TemplateAnswer>;

@Controller('api/v1/workflow-templates')
export class WorkflowTemplatesController {
  constructor(@Inject(TemplateObjects) private readonly objects: TemplateObjects) {}

  @Get()
  listAll(@Query() query: QueryTexts): Answer {
    return this.objects.list('WorkflowTemplate', '', query);
  }

  @Get(':namespace')
  list(@Param('namespace') namespace: string, @Query() query: QueryTexts): Answer {
    return this.objects.list('WorkflowTemplate', namespace, query);
  }

  @Post(':namespace')
  @HttpCode(200)
  create(@Param('namespace') namespace: string, @Body() body: unknown): Answer {
    return this.objects.create('WorkflowTemplate', namespace, body);
  }

  @Post(':namespace/lint')
  @HttpCode(200)
  lint(@Param('namespace') namespace: string, @Body() body: unknown): Answer {
    return this.objects.lint('WorkflowTemplate', namespace, body);
  }

  @Get(':namespace/:name')
  get(@Param('namespace') namespace: string, @Param('name') name: string): Answer {
    return this.objects.get({ kind: 'WorkflowTemplate', namespace, name });
  }

  @Put(':namespace/:name')
  update(@Param('namespace') namespace: string, @Param('name') name: string, @Body() body: unknown): Answer {
    return this.objects.update({ kind: 'WorkflowTemplate', namespace, name }, body);
  }

  @Delete(':namespace/:name')
  delete(@Param('namespace') namespace: string, @Param('name') name: string): Answer {
    return this.objects.delete({ kind: 'WorkflowTemplate', namespace, name });
  }
}

@Controller('api/v1/cluster-workflow-templates')
export class ClusterWorkflowTemplatesController {
  constructor(@Inject(TemplateObjects) private readonly objects: TemplateObjects) {}

  @Get()
  list(@Query() query: QueryTexts): Answer {
    return this.objects.list('ClusterWorkflowTemplate', '', query);
  }

  @Post()
  @HttpCode(200)
  create(@Body() body: unknown): Answer {
    return this.objects.create('ClusterWorkflowTemplate', '', body);
  }

  @Post('lint')
  @HttpCode(200)
  lint(@Body() body: unknown): Answer {
    return this.objects.lint('ClusterWorkflowTemplate', '', body);
  }

  @Get(':name')
  get(@Param('name') name: string): Answer {
    return this.objects.get({ kind: 'ClusterWorkflowTemplate', namespace: '', name });
  }

  @Put(':name')
  update(@Param('name') name: string, @Body() body: unknown): Answer {
    return this.objects.update({ kind: 'ClusterWorkflowTemplate', namespace: '', name }, body);
  }

  @Delete(':name')
  delete(@Param('name') name: string): Answer {
    return this.objects.delete({ kind: 'ClusterWorkflowTemplate', namespace: '', name });
  }
}

/** CronWorkflows as they are stored; the scheduler runs them and writes their status. */
@Controller('api/v1/cron-workflows')
export class CronWorkflowsController {
  constructor(@Inject(TemplateObjects) private readonly objects: TemplateObjects) {}

  @Get()
  listAll(@Query() query: QueryTexts): Answer {
    return this.objects.list('CronWorkflow', '', query);
  }

  @Get(':namespace')
  list(@Param('namespace') namespace: string, @Query() query: QueryTexts): Answer {
    return this.objects.list('CronWorkflow', namespace, query);
  }

  @Post(':namespace')
  @HttpCode(200)
  create(@Param('namespace') namespace: string, @Body() body: unknown): Answer {
    return this.objects.create('CronWorkflow', namespace, body);
  }

  @Post(':namespace/lint')
  @HttpCode(200)
  lint(@Param('namespace') namespace: string, @Body() body: unknown): Answer {
    return this.objects.lint('CronWorkflow', namespace, body);
  }

  @Get(':namespace/:name')
  get(@Param('namespace') namespace: string, @Param('name') name: string): Answer {
    return this.objects.get({ kind: 'CronWorkflow', namespace, name });
  }

  @Put(':namespace/:name')
  update(@Param('namespace') namespace: string, @Param('name') name: string, @Body() body: unknown): Answer {
    return this.objects.update({ kind: 'CronWorkflow', namespace, name }, body);
  }

  @Delete(':namespace/:name')
  delete(@Param('namespace') namespace: string, @Param('name') name: string): Answer {
    return this.objects.delete({ kind: 'CronWorkflow', namespace, name });
  }

  @Put(':namespace/:name/suspend')
  suspend(@Param('namespace') namespace: string, @Param('name') name: string): Answer {
    return this.objects.setSuspended(namespace, name, true);
  }

  @Put(':namespace/:name/resume')
  resume(@Param('namespace') namespace: string, @Param('name') name: string): Answer {
    return this.objects.setSuspended(namespace, name, false);
  }
}
