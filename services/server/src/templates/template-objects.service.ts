import { Inject, Injectable } from '@nestjs/common';
import type { Resource } from '#libs/resources';
import { API_VERSION, assertKubernetesFields, type ObjectMeta } from '#libs/workflow-spec';
import { z } from 'zod';
import { ApiError } from '../errors/errors.js';
import { cronWorkflowShape, templateObjectShape } from '../presentation/wire-shape.js';
import { parseListOptions, queryText, type Query } from '../selection/list-options.js';
import { assertMetadataTexts, memberOf } from '../workflows/object-shape.js';
import { parseBody } from '../workflows/submit-options.js';
import { WorkflowChecker, type CheckedKind } from '../workflows/workflow-checker.js';
import { assertNamespace, assertObjectName, randomName } from '../workflows/workflow-names.js';
import { isNamespaced, StoredObjects } from './stored-objects.js';

/** One of the three kinds that hold a workflow spec, and the member of a request's body that carries it. */
interface KindFacts {
  member: 'template' | 'cronWorkflow';
  title: string;
  shape: (object: object) => Record<string, unknown>;
}
const FACTS: Readonly<Record<CheckedKind, KindFacts>> = {
  WorkflowTemplate: { member: 'template', title: 'workflow template', shape: templateObjectShape },
  ClusterWorkflowTemplate: { member: 'template', title: 'cluster workflow template', shape: templateObjectShape },
  CronWorkflow: { member: 'cronWorkflow', title: 'cron workflow', shape: cronWorkflowShape },
};

const createOptions = z.object({ createOptions: z.object({ dryRun: z.array(z.string()).nullish() }).nullish() });

export type TemplateAnswer = Record<string, unknown>;
/** Which object a request is about; `namespace` is '' for cluster-scoped kinds. */
export interface ObjectPlace {
  kind: CheckedKind;
  namespace: string;
  name: string;
}

/** WorkflowTemplates, ClusterWorkflowTemplates and CronWorkflows: validated, then stored as given. */
@Injectable()
export class TemplateObjects {
  constructor(
    @Inject(StoredObjects) private readonly objects: StoredObjects,
    @Inject(WorkflowChecker) private readonly checker: WorkflowChecker,
  ) {}

  async list(kind: CheckedKind, namespace: string, query: Query): Promise<TemplateAnswer> {
    const options = parseListOptions(query);
    const page = await this.objects.list(kind, namespace === '' ? (options.fields.namespace ?? '') : namespace, {
      ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
      ...(options.limit === undefined || options.limit === 0 ? {} : { limit: options.limit }),
      ...(options.continueToken === undefined ? {} : { continueToken: options.continueToken }),
    });
    const pattern = queryText(query, 'namePattern') ?? '';
    const items = page.items.filter(
      ({ metadata }) => metadata.name.includes(pattern) && (options.fields.name ?? metadata.name) === metadata.name,
    );
    const metadata = {
      resourceVersion: page.resourceVersion,
      ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    };
    return { metadata, items: items.length === 0 ? null : items.map(FACTS[kind].shape) };
  }

  async get({ kind, namespace, name }: ObjectPlace): Promise<TemplateAnswer> {
    return FACTS[kind].shape(await this.objects.get(kind, namespace, name));
  }

  async create(kind: CheckedKind, namespace: string, body: unknown): Promise<TemplateAnswer> {
    const resource = await this.checked(kind, namespace, body);
    const name = resource.metadata.name || (resource.metadata.generateName ? randomName(resource.metadata.generateName) : '');
    assertObjectName(kind, name);
    assertKubernetesFields(kind, name, resource);
    const { resourceVersion: _resourceVersion, uid: _uid, ...metadata } = resource.metadata;
    const named: Resource = { ...resource, metadata: { ...metadata, name } };
    const isRehearsal = (parseBody(createOptions, body).createOptions?.dryRun?.length ?? 0) > 0;
    return FACTS[kind].shape(isRehearsal ? named : await this.objects.create(named));
  }

  async lint(kind: CheckedKind, namespace: string, body: unknown): Promise<TemplateAnswer> {
    return FACTS[kind].shape(await this.checked(kind, namespace, body));
  }

  /** Replaces labels, annotations and spec; what the server gave (uid, creation) stays. The stored version is taken, as in Argo. */
  async update(place: ObjectPlace, body: unknown): Promise<TemplateAnswer> {
    const resource = await this.checked(place.kind, place.namespace, body);
    if (resource.metadata.name !== '' && resource.metadata.name !== place.name) {
      throw new ApiError(
        3,
        `the name of the object (${resource.metadata.name.slice(0, 100)}) does not match the name on the URL (${place.name.slice(0, 100)})`,
      );
    }
    assertKubernetesFields(place.kind, place.name, resource);
    const stored = await this.objects.get(place.kind, place.namespace, place.name);
    const { labels: _labels, annotations: _annotations, ...given } = stored.metadata;
    const { labels, annotations } = resource.metadata;
    const metadata = {
      ...given,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    };
    return FACTS[place.kind].shape(await this.objects.update({ ...stored, ...withoutStatus(resource), metadata }));
  }

  /**
   * What `kubectl apply` does: creates or replaces, in whatever order objects that refer to each other come. What they refer to is
   * checked where a workflow uses them.
   */
  async apply(place: ObjectPlace, body: unknown): Promise<TemplateAnswer> {
    const resource = await this.checked(place.kind, place.namespace, { [FACTS[place.kind].member]: body }, 'unreferenced');
    if (resource.metadata.name !== '' && resource.metadata.name !== place.name) {
      throw new ApiError(3, 'the name of the object does not match the name on the URL');
    }
    assertKubernetesFields(place.kind, place.name, resource);
    const { resourceVersion: _resourceVersion, uid: _uid, ...metadata } = resource.metadata;
    const stored = await this.objects.find(place.kind, place.namespace, place.name);
    const kept = stored?.['status'] === undefined ? {} : { status: stored['status'] };
    const wanted = stored === undefined ? resource : { ...withoutStatus(resource), ...kept };
    return FACTS[place.kind].shape(await this.objects.apply({ ...wanted, metadata: { ...metadata, name: place.name } }));
  }

  async delete({ kind, namespace, name }: ObjectPlace): Promise<TemplateAnswer> {
    await this.objects.delete(kind, namespace, name);
    return {};
  }

  /** Sets or clears `spec.suspend` of a CronWorkflow. */
  async setSuspended(namespace: string, name: string, suspend: boolean): Promise<TemplateAnswer> {
    const stored = await this.objects.get('CronWorkflow', namespace, name);
    const { suspend: _suspend, ...spec } = (stored['spec'] ?? {}) as Record<string, never>;
    return cronWorkflowShape(await this.objects.update({ ...stored, spec: suspend ? { ...spec, suspend } : spec }));
  }

  private async checked(
    kind: CheckedKind,
    namespace: string,
    body: unknown,
    depth: 'whole' | 'unreferenced' = 'whole',
  ): Promise<Resource> {
    const { member, title } = FACTS[kind];
    const written = memberOf(body, member);
    if (written === undefined || written === null) throw new ApiError(3, `${title} was not found in the request body`);
    assertMetadataTexts(written, member);
    if (isNamespaced(kind)) assertNamespace(namespace);
    const object = this.checker.decodeObject(kind, written);
    const { namespace: writtenNamespace, ...metadata } = object.metadata;
    if (isNamespaced(kind) && writtenNamespace !== undefined && writtenNamespace !== '' && writtenNamespace !== namespace) {
      throw new ApiError(3, 'the namespace of the provided object does not match the namespace sent on the request');
    }
    const placed: ObjectMeta & { name: string } = {
      ...metadata,
      name: metadata.name ?? '',
      ...(isNamespaced(kind) ? { namespace } : {}),
    };
    const resource = { ...object, apiVersion: API_VERSION, kind, metadata: placed };
    if (depth === 'whole') await this.checker.checkObject(kind, resource);
    return resource as unknown as Resource;
  }
}

/** Once an object is there its status is the scheduler's: what a client read some time ago does not turn it back. */
const withoutStatus = (resource: Resource): Resource => {
  const { status: _status, ...rest } = resource;
  return rest;
};
