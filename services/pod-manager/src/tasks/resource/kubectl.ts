import { NotFoundError, type JsonValue, type ObjectMeta, type ResourceTemplate } from '#libs/workflow-spec';
import { asKubectlError, KubectlError } from './kubectl-error.js';
import { parseArguments, type KubectlArguments } from './kubectl-arguments.js';
import { at, givenObject, parseYaml, type GivenObject } from './manifest.js';
import { nameBy, type ObjectAccess, type ObjectPlace, type Writing } from './object-access.js';
import { objectLabel, type KindSource, type ObjectKind } from './object-kinds.js';

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
  /** Added to what is created, applied and replaced, where the template asks for it. */
  owner?: NonNullable<ObjectMeta['ownerReferences']>[number];
  kinds: KindSource;
  accessTo: (kind: ObjectKind) => ObjectAccess;
  /** A line of kubectl's output. */
  say: (line: string) => void;
  /** Aborted when the task has to end. */
  signal: AbortSignal;
}

type Target = FoundObject & { access: ObjectAccess };

/**
 * Does what `kubectl <action>` does with a manifest and flags. Every action may be done again: what this author has made is known, and changes are to a
 * state. Throws KubectlError with kubectl's words.
 */
export class Kubectl {
  constructor(private readonly options: KubectlOptions) {}

  /** The object that conditions and outputs are about; undefined where there is none after the action. */
  async run(template: ResourceTemplate, manifest: string): Promise<FoundObject | undefined> {
    const args = parseArguments(template.flags ?? []);
    const value = manifest.trim() === '' ? undefined : parseYaml(manifest);
    switch (template.action) {
      case 'create':
        return this.create(await this.named(this.required(value), args), args);
      case 'apply':
        return this.apply(await this.named(this.required(value), args), args);
      case 'replace':
        return this.replace(await this.named(this.required(value), args), args);
      case 'patch':
        return this.patch(value, args, args.type ?? template.mergeStrategy ?? 'strategic');
      case 'get':
        return this.get(await this.targets(value, args));
      case 'delete':
        return this.delete(await this.targets(value, args), args);
      default:
        throw new KubectlError(`error: unknown command ${JSON.stringify(template.action)}`);
    }
  }

  private required(value: JsonValue | undefined): JsonValue {
    if (value === undefined) throw new KubectlError('error: must specify one of -f and -k');
    return value;
  }

  /** The manifest's object with the namespace, the name and the owner that it will have. */
  private async named(value: JsonValue, args: KubectlArguments): Promise<GivenObject> {
    const { kind, object } = await givenObject(value, this.options.kinds);
    const { generateName, ownerReferences = [] } = object.metadata;
    const name = object.metadata.name || (generateName === undefined ? '' : nameBy(this.options.author, generateName));
    if (name === '') throw new KubectlError(`error: error when retrieving current configuration: resource name may not be empty`);
    const namespace = kind.isNamespaced ? { namespace: this.namespaceOf(object.metadata.namespace, args) } : {};
    const { owner } = this.options;
    const owners = owner === undefined ? {} : { ownerReferences: [...ownerReferences, owner] };
    return { kind, object: { ...object, metadata: { ...object.metadata, ...namespace, ...owners, name } } };
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

  private async create({ kind, object }: GivenObject, args: KubectlArguments): Promise<FoundObject> {
    const target = this.target(kind, object.metadata);
    await target.access.create(object, this.writing(args)).catch(told(at('creating')));
    return this.done(target, 'created');
  }

  private async apply({ kind, object }: GivenObject, args: KubectlArguments): Promise<FoundObject> {
    const target = this.target(kind, object.metadata);
    return this.done(target, await target.access.apply(object, this.writing(args)).catch(told()));
  }

  private async replace({ kind, object }: GivenObject, args: KubectlArguments): Promise<FoundObject> {
    const target = this.target(kind, object.metadata);
    if (!args.write.recreates) {
      await target.access.replace(object, this.writing(args)).catch(told(at('replacing')));
    } else {
      await this.remove(target, args);
      await target.access.create(object, this.writing(args)).catch(told(at('replacing')));
    }
    return this.done(target, 'replaced');
  }

  private async patch(value: JsonValue | undefined, args: KubectlArguments, strategy: string): Promise<FoundObject> {
    const patch = this.required(value);
    const [target] = args.words.length > 0 ? (await this.wordTargets(args)).targets : [await this.manifestTarget(patch, args)];
    if (target === undefined) throw new KubectlError('error: must specify a resource to patch');
    await target.access.patch(target.place, patch, { ...this.writing(args), strategy }).catch(told());
    return this.done(target, 'patched');
  }

  private async get(targets: readonly Target[]): Promise<FoundObject | undefined> {
    for (const target of targets) {
      await target.access.get(target.place).catch(told());
      this.options.say(objectLabel(target.kind, target.place.name));
    }
    return targets[0];
  }

  private async delete(targets: readonly Target[], args: KubectlArguments): Promise<undefined> {
    for (const target of targets) {
      if (!(await this.remove(target, args))) continue;
      const label = objectLabel(target.kind, target.place.name).replace('/', ' "');
      this.options.say(`${label}" deleted`);
    }
    return undefined;
  }

  /** What is gone already counts as deleted, as argoexec passes --ignore-not-found; false for that. */
  private async remove(target: Target, args: KubectlArguments): Promise<boolean> {
    try {
      await target.access.delete(target.place, this.writing(args));
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw asKubectlError(error, at('deleting'));
    }
  }

  /** What the flags or the manifest name; objects of a selector where one is given. */
  private async targets(value: JsonValue | undefined, args: KubectlArguments): Promise<Target[]> {
    if (args.words.length === 0) return [await this.manifestTarget(this.required(value), args)];
    const { targets, kind } = await this.wordTargets(args);
    if (kind === undefined) return targets;
    const { selector, all, namespace } = args;
    if (selector === undefined && !all) throw new KubectlError('error: resource(s) were provided, but no name was specified');
    const place = kind.isNamespaced ? (namespace ?? this.options.namespace) : '';
    const found = await this.options
      .accessTo(kind)
      .list(place, selector ?? '')
      .catch(told());
    return found.map(({ metadata }) => this.target(kind, metadata));
  }

  /** Objects that words name (`pod x`, `cm/x`), or a kind without names. */
  private async wordTargets({ words, namespace = this.options.namespace }: KubectlArguments) {
    const [first = '', ...names] = words;
    const { kinds } = this.options;
    if (first.includes('/')) {
      const pairs = words.map((word) => word.split('/'));
      const targets = pairs.map(async ([kind = '', name = '']) => this.target(await kinds.ofWord(kind), { namespace, name }));
      return { targets: await Promise.all(targets) };
    }
    const kind = await kinds.ofWord(first);
    if (names.length === 0) return { targets: [], kind };
    return { targets: names.map((name) => this.target(kind, { namespace, name })) };
  }

  private async manifestTarget(value: JsonValue, args: KubectlArguments): Promise<Target> {
    const { kind, object } = await givenObject(value, this.options.kinds);
    if (object.metadata.name === '') throw new KubectlError(`error: resource name may not be empty`);
    return this.target(kind, { namespace: this.namespaceOf(object.metadata.namespace, args), name: object.metadata.name });
  }

  private writing({ write }: KubectlArguments): Writing {
    const { author, signal } = this.options;
    return { author, signal, flags: write };
  }

  private done({ kind, place }: Target, what: string): FoundObject {
    this.options.say(`${objectLabel(kind, place.name)} ${what}`);
    return { kind, place };
  }
}

const told =
  (doing = '') =>
  (error: unknown): never => {
    throw asKubectlError(error, doing);
  };
