import { ResourceExistsError, type Resource, type ResourceStore } from '#libs/resources';
import {
  decodeClusterWorkflowTemplate,
  decodeCronWorkflow,
  decodeWorkflowTemplate,
  InvalidArgumentError,
  type Decoded,
  type TypedObject,
} from '#libs/workflow-spec';
import { strictly } from './strict-decoding.js';
import type { KeptObjects, ObjectPlace } from './object-access.js';

/** Says which task made an object; what it finds under its own name it has made before a crash. */
const AUTHOR_ANNOTATION = 'argosy.dev/created-by';

const DECODERS: Readonly<Record<string, (value: unknown) => Decoded<TypedObject>>> = {
  WorkflowTemplate: decodeWorkflowTemplate,
  ClusterWorkflowTemplate: decodeClusterWorkflowTemplate,
  CronWorkflow: decodeCronWorkflow,
};

const isTexts = (value: unknown): value is Record<string, string> =>
  value === undefined ||
  (value !== null && typeof value === 'object' && Object.values(value).every((text) => typeof text === 'string'));

/** A Secret's `stringData` is only a way to write `data`. */
const stored = (object: Resource): Resource => {
  const { data, stringData, ...rest } = object;
  if (object.kind !== 'Secret' && object.kind !== 'ConfigMap') return object;
  if (!isTexts(data) || !isTexts(stringData)) throw new InvalidArgumentError(`${object.kind}: values of data must be texts`);
  if (object.kind === 'ConfigMap' || stringData === undefined) return object;
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text, 'utf8').toString('base64')]);
  return { ...rest, data: { ...data, ...(Object.fromEntries(encoded) as Record<string, string>) } };
};

/** ConfigMaps, Secrets, templates, CronWorkflows and event bindings, as the resource store holds them. */
export class TableObjects implements KeptObjects {
  constructor(
    private readonly resources: ResourceStore,
    private readonly kind: string,
  ) {}

  get({ namespace, name }: ObjectPlace): Promise<Resource> {
    return this.resources.get({ kind: this.kind, namespace, name });
  }

  async list(namespace: string, selector: string): Promise<Resource[]> {
    return (await this.resources.list(this.kind, namespace, { labelSelector: selector })).items;
  }

  async create(object: Resource, author: string): Promise<Resource> {
    const { kind, metadata } = this.checked(object);
    const annotations = { ...metadata.annotations, [AUTHOR_ANNOTATION]: author };
    try {
      return await this.resources.create({ ...this.checked(object), metadata: { ...metadata, annotations } });
    } catch (error) {
      if (!(error instanceof ResourceExistsError)) throw error;
      const existing = await this.get({ namespace: metadata.namespace ?? '', name: metadata.name });
      if (existing.kind === kind && existing.metadata.annotations?.[AUTHOR_ANNOTATION] === author) return existing;
      throw error;
    }
  }

  replace(object: Resource, before: Resource): Promise<Resource> {
    const { uid, creationTimestamp, resourceVersion } = before.metadata;
    const metadata = {
      ...object.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    return this.resources.update({ ...this.checked(object), metadata });
  }

  delete({ namespace, name }: ObjectPlace): Promise<void> {
    return this.resources.delete({ kind: this.kind, namespace, name });
  }

  private checked(object: Resource): Resource {
    const decode = DECODERS[object.kind];
    return decode === undefined ? stored(object) : (strictly(decode, object) as unknown as Resource);
  }
}
