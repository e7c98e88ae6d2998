import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import type { Workflow } from '#libs/workflow-spec';
import type { Response } from 'express';
import { ApiError } from '../errors/errors.js';
import { WorkflowReader } from '../workflows/workflow-reader.js';
import { ArtifactDownload } from './artifact-download.service.js';

interface ByName {
  namespace: string;
  name: string;
  nodeId: string;
  artifactName: string;
}
interface ByUid {
  uid: string;
  nodeId: string;
  artifactName: string;
}
interface AsFile extends ByName {
  idDiscriminator: string;
  artifactDiscriminator: string;
  path?: string[] | string;
}

/** Downloads of artifacts, by the workflow's name or uid, and file by file for the web page. */
@Controller()
export class ArtifactsController {
  constructor(
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
    @Inject(ArtifactDownload) private readonly download: ArtifactDownload,
  ) {}

  @Get('artifacts/:namespace/:name/:nodeId/:artifactName')
  async output(@Param() at: ByName, @Res() response: Response): Promise<void> {
    await this.download.send({ ...at, workflow: await this.named(at), direction: 'outputs' }, response);
  }

  @Get('input-artifacts/:namespace/:name/:nodeId/:artifactName')
  async input(@Param() at: ByName, @Res() response: Response): Promise<void> {
    await this.download.send({ ...at, workflow: await this.named(at), direction: 'inputs' }, response);
  }

  @Get('artifacts-by-uid/:uid/:nodeId/:artifactName')
  async outputByUid(@Param() at: ByUid, @Res() response: Response): Promise<void> {
    await this.download.send({ ...at, workflow: await this.reader.getByUid(at.uid), direction: 'outputs' }, response);
  }

  @Get('input-artifacts-by-uid/:uid/:nodeId/:artifactName')
  async inputByUid(@Param() at: ByUid, @Res() response: Response): Promise<void> {
    await this.download.send({ ...at, workflow: await this.reader.getByUid(at.uid), direction: 'inputs' }, response);
  }

  @Get('artifact-files/:namespace/:idDiscriminator/:name/:nodeId/:artifactDiscriminator/:artifactName{/*path}')
  async file(@Param() at: AsFile, @Res() response: Response): Promise<void> {
    const workflow = await this.discriminated(at);
    const direction = at.artifactDiscriminator;
    if (direction !== 'inputs' && direction !== 'outputs')
      throw new ApiError(3, 'the artifact is either of inputs or of outputs');
    const path = Array.isArray(at.path) ? at.path.join('/') : at.path;
    await this.download.send(
      { workflow, nodeId: at.nodeId, direction, artifactName: at.artifactName, ...(path === undefined ? {} : { path }) },
      response,
    );
  }

  private async discriminated(at: AsFile): Promise<Workflow> {
    if (at.idDiscriminator === 'workflows' || at.idDiscriminator === 'workflow') return this.named(at);
    const workflow = await this.reader.getByUid(at.name);
    if (workflow.metadata.namespace !== at.namespace) throw new ApiError(5, 'not found');
    return workflow;
  }

  private async named({ namespace, name }: { namespace: string; name: string }): Promise<Workflow> {
    return this.reader.get(await this.reader.find(namespace, name));
  }
}
