import type { Resource } from '#libs/resources';
import type { JsonValue, ObjectMeta, ResourceTemplate } from '#libs/workflow-spec';
import { asKubectlError, KubectlError } from './kubectl-error.js';
import { parseArguments, type KubectlArguments } from './kubectl-arguments.js';
import { at, givenObject, parseYaml, type GivenObject } from './manifest.js';
import { nameBy, type ObjectAccess, type ObjectPlace } from './object-access.js';
import { objectLabel, resourceName, type ObjectKind } from './object-kinds.js';
import { OWNER_LABEL } from './owned-objects.js';
import { mergePatch, patchBetween, patched } from './patches.js';

/** An object that an action has come to, by which it is found again. */
export interface FoundObject {
  kind: ObjectKind;
  place: ObjectPlace;
}

export interface KubectlOptions {
  /** Of objects that name none. */
  namespace: string;
  /** Marks what is made here, so that it is made once. */
  author: string;
  /** Added to what is created, where the template asks for it. */
  owner?: NonNullable<ObjectMeta['ownerReferences']>[number];
  accessTo: (kind: ObjectKind) => ObjectAccess;
  /** A line of kubectl's output. */
  say: (line: string) => void;
}

/** How `apply` remembers what was asked for, to know what to take away; kubectl's own annotation. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

type Target = FoundObject & { access: ObjectAccess };

/**
 * Does what `kubectl <action>` does with a manifest and flags, on objects that are kept here. Every action may be done again: what this author has made is
 * known, and changes are to a state. Throws KubectlError with kubectl's words.
 */
export class Kubectl {
  constructor(private readonly options: KubectlOptions) {}

  /** The object that conditions and outputs are about; undefined where there is none after the action. */
  async run(template: ResourceTemplate, manifest: string): Promise<FoundObject | undefined> {
    const args = parseArguments(template.flags ?? []);
    const value = manifest.trim() === '' ? undefined : parseYaml(manifest);
    switch (template.action) {
      case 'create':
        return this.create(this.named(this.required(value), args));
      case 'apply':
        return this.apply(this.named(this.required(value), args));
      case 'replace':
        return this.replace(this.named(this.required(value), args));
      case 'patch':
        return this.patch(value, args, args.type ?? template.mergeStrategy ?? 'strategic');
      case 'get':
        return this.get(await this.targets(value, args));
      case 'delete':
        return this.delete(await this.targets(value, args));
      default:
        throw new KubectlError(`error: unknown command ${JSON.stringify(template.action)}`);
    }
  }

  private required(value: JsonValue | undefined): JsonValue {
    if (value === undefined) throw new KubectlError('error: must specify one of -f and -k');
    return value;
  }

  /** The manifest's object with the namespace and the name that it will have. */
  private named(value: JsonValue, args: KubectlArguments): GivenObject {
    const { kind, object } = givenObject(value);
    const { generateName } = object.metadata;
    const name = object.metadata.name || (generateName === undefined ? '' : nameBy(this.options.author, generateName));
    if (name === '') throw new KubectlError(`error: error when retrieving current configuration: resource name may not be empty`);
    const namespace = kind.isNamespaced ? { namespace: this.namespaceOf(object.metadata.namespace, args) } : {};
    return { kind, object: { ...object, metadata: { ...object.metadata, ...namespace, name } } };
  }

  private namespaceOf(written: string | undefined, { namespace }: KubectlArguments): string {
    if (written !== undefined && written !== '' && namespace !== undefined && written !== namespace) {
      throw new KubectlError(
        `error: the namespace from the provided object ${JSON.stringify(written)} does not match the namespace ${JSON.stringify(namespace)}. You must pass '--namespace=${written}' to perform this operation.`,
      );
    }
    return written || (namespace ?? this.options.namespace);
  }

  private target(kind: ObjectKind, { namespace = '', name }: { namespace?: string; name: string }): Target {
    return { kind, place: { namespace: kind.isNamespaced ? namespace : '', name }, access: this.options.accessTo(kind) };
  }

  private async create({ kind, object }: GivenObject): Promise<FoundObject> {
    const target = this.target(kind, object.metadata);
    await target.access.create(this.owned(object), this.options.author).catch((error: unknown) => {
      throw asKubectlError(error, at('creating'));
    });
    return this.done(target, 'created');
  }

  private owned(object: Resource): Resource {
    const { owner } = this.options;
    if (owner === undefined) return object;
    const ownerReferences = [...(object.metadata.ownerReferences ?? []), owner];
    const labels = { ...object.metadata.labels, ...(typeof owner['uid'] === 'string' ? { [OWNER_LABEL]: owner['uid'] } : {}) };
    return { ...object, metadata: { ...object.metadata, labels, ownerReferences } };
  }

  private async apply({ kind, object }: GivenObject): Promise<FoundObject> {
    const target = this.target(kind, object.metadata);
    const asked = object as unknown as { [key: string]: JsonValue };
    const annotations = { ...object.metadata.annotations, [LAST_APPLIED]: JSON.stringify(asked) };
    const marked = kind.kind === 'Workflow' ? object : { ...object, metadata: { ...object.metadata, annotations } };
    const before = await this.find(target);
    if (before === undefined) return this.create({ kind, object: marked });
    const last = JSON.parse(before.metadata.annotations?.[LAST_APPLIED] ?? '{}') as JsonValue;
    const merged = mergePatch(before as unknown as JsonValue, patchBetween(last, marked as unknown as typeof asked));
    await this.store(target, merged as unknown as Resource, before, at('applying patch'));
    return this.done(target, 'configured');
  }

  private async replace({ kind, object }: GivenObject): Promise<FoundObject> {
    const target = this.target(kind, object.metadata);
    const before = await this.existing(target, at('replacing'));
    await this.store(target, object, before, at('replacing'));
    return this.done(target, 'replaced');
  }

  private async patch(value: JsonValue | undefined, args: KubectlArguments, strategy: string): Promise<FoundObject> {
    const patch = this.required(value);
    const [target] = args.targets.length > 0 ? this.namedTargets(args) : [this.manifestTarget(patch, args)];
    if (target === undefined) throw new KubectlError('error: must specify a resource to patch');
    const before = await this.existing(target);
    const after = await Promise.resolve()
      .then(() => patched(target.kind, before, patch, strategy))
      .catch((error: unknown) => {
        throw asKubectlError(error);
      });
    await this.store(target, after, before);
    return this.done(target, 'patched');
  }

  private async get(targets: readonly Target[]): Promise<FoundObject | undefined> {
    for (const target of targets) {
      await this.existing(target);
      this.options.say(objectLabel(target.kind, target.place.name));
    }
    return targets[0];
  }

  /** What is gone already counts as deleted: argoexec passes --ignore-not-found. */
  private async delete(targets: readonly Target[]): Promise<undefined> {
    for (const target of targets) {
      if ((await this.find(target)) === undefined) continue;
      await target.access.delete(target.place, this.options.author).catch((error: unknown) => {
        throw asKubectlError(error, at('deleting'));
      });
      const label = objectLabel(target.kind, target.place.name).replace('/', ' "');
      this.options.say(`${label}" deleted`);
    }
    return undefined;
  }

  /** What the flags or the manifest name; objects of a selector where one is given. */
  private async targets(value: JsonValue | undefined, args: KubectlArguments): Promise<Target[]> {
    if (args.targets.length > 0) return this.namedTargets(args);
    const { kind, selector, all, namespace } = args;
    if (kind === undefined) return [this.manifestTarget(this.required(value), args)];
    if (selector === undefined && !all) throw new KubectlError('error: resource(s) were provided, but no name was specified');
    const place = kind.isNamespaced ? (namespace ?? this.options.namespace) : '';
    const found = await this.options
      .accessTo(kind)
      .list(place, selector ?? '')
      .catch((error: unknown) => {
        throw asKubectlError(error);
      });
    return found.map(({ metadata }) => this.target(kind, metadata));
  }

  private namedTargets({ targets, namespace = this.options.namespace }: KubectlArguments): Target[] {
    return targets.map(({ kind, name }) => this.target(kind, { namespace, name }));
  }

  private manifestTarget(value: JsonValue, args: KubectlArguments): Target {
    const { kind, object } = givenObject(value);
    if (object.metadata.name === '') throw new KubectlError(`error: resource name may not be empty`);
    return this.target(kind, { namespace: this.namespaceOf(object.metadata.namespace, args), name: object.metadata.name });
  }

  private async find(target: Target): Promise<Resource | undefined> {
    return this.existing(target).catch((error: unknown) => {
      if (error instanceof KubectlError && error.message.startsWith('Error from server (NotFound)')) return undefined;
      throw error;
    });
  }

  private existing({ access, place }: Target, doing = ''): Promise<Resource> {
    return access.get(place).catch((error: unknown) => {
      throw asKubectlError(error, doing);
    });
  }

  private async store({ access, kind, place }: Target, object: Resource, before: Resource, doing = ''): Promise<void> {
    if (object.kind !== kind.kind || object.metadata.name !== place.name) {
      throw new KubectlError(
        `Error from server (BadRequest): ${doing}kind and name of ${resourceName(kind)} ${JSON.stringify(place.name)} cannot be changed`,
      );
    }
    await access.replace(object, before, this.options.author).catch((error: unknown) => {
      throw asKubectlError(error, doing);
    });
  }

  private done({ kind, place }: Target, what: string): FoundObject {
    this.options.say(`${objectLabel(kind, place.name)} ${what}`);
    return { kind, place };
  }
}
