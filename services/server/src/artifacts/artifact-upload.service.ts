import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { relocate, type ArtifactDrivers } from '#libs/artifacts';
import { RepositoryReferences, type FoundRepository, type ResourceStore } from '#libs/resources';
import {
  artifactDriverKinds,
  artifactKeyField,
  parseArtifactRepository,
  type Artifact,
  type KubernetesObject,
  type Workflow,
} from '#libs/workflow-spec';
import type { Request } from 'express';
import { ApiError } from '../errors/errors.js';
import { ARTIFACT_DRIVERS, RESOURCE_STORE, SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { StoredObjects } from '../templates/stored-objects.js';
import { fileOfForm } from './multipart-file.js';

/** An artifact that a workflow of this template takes as an argument. */
export interface UploadTarget {
  namespace: string;
  template: string;
  artifactName: string;
}
/** What a later submit gives as `submitOptions.artifacts`: `name=key`. */
export interface UploadedArtifact {
  name: string;
  key: string;
}

const FIELD = 'file';
/** Names that are no trouble in any store, nor in a URL. */
const safeName = (fileName: string): string => {
  const base = posix
    .basename(fileName.replaceAll('\\', '/'))
    .replaceAll(/[^-._a-zA-Z0-9]/g, '_')
    .slice(-100);
  return /^\.*$/.test(base) ? FIELD : base;
};

/**
 * Takes a file in for an argument of a template, before the workflow is submitted (Argo v4.1 `upload-artifacts`). It goes under a key of its
 * own into the repository that such a workflow has, as a stream. Nobody owns it until it is submitted: what is never used stays.
 */
@Injectable()
export class ArtifactUpload {
  constructor(
    @Inject(ARTIFACT_DRIVERS) private readonly drivers: ArtifactDrivers,
    @Inject(StoredObjects) private readonly objects: StoredObjects,
    @Inject(RESOURCE_STORE) private readonly resources: ResourceStore,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
  ) {}

  async take(target: UploadTarget, request: Request): Promise<UploadedArtifact> {
    const { namespace, template, artifactName } = target;
    const { spec } = (await this.objects.get('WorkflowTemplate', namespace, template)) as unknown as Workflow;
    const argument = argumentOf(spec, artifactName);
    if (argument === undefined)
      throw new ApiError(5, `artifact ${JSON.stringify(artifactName.slice(0, 200))} is no argument of the workflow template`);
    const repository = await this.repositoryOf(namespace, spec);
    const [kind] = artifactDriverKinds(repository);
    const keyField = kind === undefined ? undefined : artifactKeyField(kind);
    if (kind === undefined || keyField === undefined) throw new ApiError(9, 'no artifact repository is configured to upload to');
    const { fileName, body } = await fileOfForm(request, FIELD, this.context.config.maxUploadBytes);
    const key = ['uploads', namespace, template, artifactName, randomUUID(), safeName(fileName)].join('/');
    const location = relocate({ [kind]: { [keyField]: key } }, repository);
    const aborted = new AbortController();
    request.once('close', () => {
      if (!request.complete) aborted.abort();
    });
    await this.drivers.driverFor(location, { namespace }).save(location, body, { signal: aborted.signal });
    return { name: artifactName, key };
  }

  /** The repository that a workflow of this template would have. */
  private async repositoryOf(namespace: string, spec: Workflow['spec']): Promise<KubernetesObject> {
    const { checkup, controllerConfig, config } = this.context;
    const references = new RepositoryReferences(this.resources, checkup?.controllerNamespace ?? namespace);
    const reference = spec.artifactRepositoryRef;
    const found: FoundRepository = await references.load({ namespace, ...reference });
    if (found !== null && 'problem' in found) throw new ApiError(9, found.problem);
    if (found !== null) return found.repository.location;
    if (reference !== undefined)
      throw new ApiError(9, 'the artifact repository that the workflow template refers to does not exist');
    const configured =
      controllerConfig?.state().config.artifactRepository ?? parseArtifactRepository(config.artifactRepository ?? '');
    return configured?.location ?? {};
  }
}

/** Arguments of the workflow, and inputs of its entrypoint, which arguments of that name fill. */
function argumentOf(spec: Workflow['spec'], name: string): Artifact | undefined {
  const entrypoint = spec.templates?.find((template) => template.name === spec.entrypoint);
  return [...(spec.arguments?.artifacts ?? []), ...(entrypoint?.inputs?.artifacts ?? [])].find(
    (artifact) => artifact.name === name,
  );
}
