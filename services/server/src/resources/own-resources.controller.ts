import { Body, Controller, Delete, Get, Inject, Param, Put, Query } from '@nestjs/common';
import type { Resource } from '#libs/resources';
import { API_VERSION, type ObjectMeta } from '#libs/workflow-spec';
import { z } from 'zod';
import { ApiError } from '../errors/errors.js';
import { bindingResource } from '../event-bindings/stored-binding.js';
import { parseListOptions, type Query as QueryTexts } from '../selection/list-options.js';
import { isNamespaced, StoredObjects, type StoredKind } from '../templates/stored-objects.js';
import { TemplateObjects, type TemplateAnswer } from '../templates/template-objects.service.js';
import { parseBody } from '../workflows/submit-options.js';
import { assertNamespace, assertObjectName } from '../workflows/workflow-names.js';

/** Kinds by their plural in the path. */
const KINDS: Readonly<Record<string, StoredKind>> = {
  configmaps: 'ConfigMap',
  secrets: 'Secret',
  workflowtemplates: 'WorkflowTemplate',
  clusterworkflowtemplates: 'ClusterWorkflowTemplate',
  cronworkflows: 'CronWorkflow',
  workfloweventbindings: 'WorkflowEventBinding',
};
/** Kubernetes' own limit of one ConfigMap or Secret. */
const MAX_DATA_BYTES = 1024 * 1024;
const DATA_KEY = /^[-._a-zA-Z0-9]{1,253}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const texts = z.record(z.string().regex(DATA_KEY, 'keys consist of letters, digits, -, _ and .'), z.string());
const metadataSchema = z.object({
  name: z.string().optional(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
const head = { apiVersion: z.literal('v1').optional(), metadata: metadataSchema.optional(), immutable: z.boolean().optional() };
const configMapSchema = z.strictObject({
  ...head,
  kind: z.literal('ConfigMap').optional(),
  data: texts.optional(),
  binaryData: texts.optional(),
});
const secretSchema = z.strictObject({
  ...head,
  kind: z.literal('Secret').optional(),
  type: z.string().optional(),
  data: texts.optional(),
  stringData: texts.optional(),
});

interface Place {
  kind: string;
  namespace: string;
  name: string;
}

const kindOf = (plural: string): StoredKind => {
  const kind = Object.hasOwn(KINDS, plural) ? KINDS[plural] : undefined;
  if (kind === undefined)
    throw new ApiError(5, `there is no kind ${JSON.stringify(plural.slice(0, 100))}; known are ${Object.keys(KINDS).join(', ')}`);
  return kind;
};

/**
 * What `argosy apply`, `get` and `delete` use where there is no Kubernetes: ConfigMaps, Secrets, templates, CronWorkflows and event bindings. PUT creates
 * or replaces. The namespace of a cluster-scoped kind is written `-`. The values of a Secret are taken and never given back: answers
 * name its keys only.
 */
@Controller('api/argosy/v1/resources/:kind/:namespace')
export class OwnResourcesController {
  constructor(
    @Inject(StoredObjects) private readonly objects: StoredObjects,
    @Inject(TemplateObjects) private readonly templates: TemplateObjects,
  ) {}

  @Get()
  async list(@Param() at: Omit<Place, 'name'>, @Query() query: QueryTexts): Promise<TemplateAnswer> {
    const kind = kindOf(at.kind);
    const { labelSelector, limit, continueToken } = parseListOptions(query);
    const page = await this.objects.list(kind, at.namespace === '-' ? '' : at.namespace, {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(limit === undefined || limit === 0 ? {} : { limit }),
      ...(continueToken === undefined ? {} : { continueToken }),
    });
    const metadata = {
      resourceVersion: page.resourceVersion,
      ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    };
    return { metadata, items: page.items.map(withoutSecrets) };
  }

  @Get(':name')
  async get(@Param() at: Place): Promise<TemplateAnswer> {
    const kind = kindOf(at.kind);
    return withoutSecrets(await this.objects.get(kind, namespaceFor(kind, at.namespace), at.name));
  }

  @Put(':name')
  async put(@Param() at: Place, @Body() body: unknown): Promise<TemplateAnswer> {
    const kind = kindOf(at.kind);
    const namespace = namespaceFor(kind, at.namespace);
    assertObjectName(kind, at.name);
    if (kind === 'ConfigMap' || kind === 'Secret') {
      return withoutSecrets(await this.objects.apply(dataResource(kind, { namespace, name: at.name }, body)));
    }
    if (kind === 'WorkflowEventBinding') return this.objects.apply(bindingResource({ namespace, name: at.name }, body));
    const answer = await this.templates.apply({ kind, namespace, name: at.name }, body);
    return { apiVersion: API_VERSION, kind, ...answer };
  }

  @Delete(':name')
  async delete(@Param() at: Place): Promise<TemplateAnswer> {
    const kind = kindOf(at.kind);
    await this.objects.delete(kind, namespaceFor(kind, at.namespace), at.name);
    return {};
  }
}

function namespaceFor(kind: StoredKind, namespace: string): string {
  if (!isNamespaced(kind)) return '';
  assertNamespace(namespace);
  return namespace;
}

function dataResource(kind: 'ConfigMap' | 'Secret', place: { namespace: string; name: string }, body: unknown): Resource {
  const { metadata, stringData, ...content } = {
    stringData: undefined,
    ...(kind === 'ConfigMap' ? parseBody(configMapSchema, body) : parseBody(secretSchema, body)),
  };
  if (metadata?.name !== undefined && metadata.name !== place.name)
    throw new ApiError(3, 'the name of the object does not match the name on the URL');
  if (metadata?.namespace !== undefined && metadata.namespace !== place.namespace)
    throw new ApiError(3, 'the namespace of the object does not match the URL');
  const written = Object.entries(stringData ?? {}).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]);
  const data = { ...content.data, ...(Object.fromEntries(written) as Record<string, string>) };
  if (kind === 'Secret') assertBase64(data);
  if (Buffer.byteLength(JSON.stringify(content)) + Buffer.byteLength(JSON.stringify(data)) > MAX_DATA_BYTES) {
    throw new ApiError(3, `${kind} data is larger than ${MAX_DATA_BYTES} bytes`);
  }
  const given: ObjectMeta & { name: string } = { ...place };
  if (metadata?.labels !== undefined) given.labels = metadata.labels;
  if (metadata?.annotations !== undefined) given.annotations = metadata.annotations;
  return { ...content, apiVersion: 'v1', kind, metadata: given, data };
}

/** The message names the key and not what stands there. */
function assertBase64(data: Record<string, string>): void {
  const wrong = Object.entries(data).find(([, value]) => !BASE64.test(value));
  if (wrong !== undefined) throw new ApiError(3, `data.${wrong[0]}: must be base64; use stringData for plain text`);
}

function withoutSecrets(resource: Resource): TemplateAnswer {
  if (resource.kind !== 'Secret') return resource;
  const { data, stringData: _stringData, ...rest } = resource;
  const { annotations, ...metadata } = rest.metadata;
  // kubectl copies the whole object, values included, into an annotation of this name.
  const { 'kubectl.kubernetes.io/last-applied-configuration': _copy, ...shown } = annotations ?? {};
  rest.metadata = { ...metadata, ...(annotations === undefined ? {} : { annotations: shown }) };
  return { ...rest, keys: Object.keys((data ?? {}) as Record<string, unknown>).sort() };
}
