import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { ArtifactUpload, type UploadedArtifact, type UploadTarget } from './artifact-upload.service.js';

/** Uploads of artifacts for workflows that are yet to be submitted from a template. */
@Controller('upload-artifacts')
export class UploadsController {
  constructor(@Inject(ArtifactUpload) private readonly upload: ArtifactUpload) {}

  @HttpCode(200)
  @Post(':namespace/:template/:artifactName')
  take(@Param() target: UploadTarget, @Req() request: Request): Promise<UploadedArtifact> {
    return this.upload.take(target, request);
  }
}
