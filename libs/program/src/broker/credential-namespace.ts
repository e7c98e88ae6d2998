import { keyOf, withKey } from '#libs/artifacts';
import { ResourceNotFoundError, type ResourceStore } from '#libs/resources';
import {
  artifactDriverKinds,
  artifactKeyField,
  sortedJson,
  withoutKeyMaking,
  type ArtifactLocation,
  type JsonValue,
  type WorkflowStatus,
} from '#libs/workflow-spec';

/** The repository of a workflow, as its status has it. */
export type RepositoryReference = WorkflowStatus['artifactRepositoryRef'];

export interface CredentialQuestion {
  location: ArtifactLocation;
  /** The workflow's namespace. */
  namespace: string;
  repository: RepositoryReference;
}

/**
 * In which namespace the Secrets of an artifact's place are read. It is the workflow's, as in Argo; but a repository that stands in the
 * controller's namespace brings its own Secrets from there, where the workflow's has none of that name, so that nobody copies them. A place
 * that a user wrote never does: it could send the controller's credentials anywhere.
 */
export class CredentialNamespaces {
  constructor(private readonly ports: { resources: Pick<ResourceStore, 'get'>; controllerNamespace: string }) {}

  async namespaceFor({ location, namespace, repository }: CredentialQuestion): Promise<string> {
    return this.lentNamespace({ location, namespace, lender: this.lenderOf(location, repository) });
  }

  /** The controller's namespace where the place is its repository; null: nobody lends Secrets for it. */
  lenderOf(location: ArtifactLocation, repository: RepositoryReference): string | null {
    return this.isControllers(location, repository) ? this.ports.controllerNamespace : null;
  }

  /** The workflow's namespace, or the lender's where the workflow's has none of the Secrets. */
  async lentNamespace(place: { location: ArtifactLocation; namespace: string; lender: string | null }): Promise<string> {
    const { location, namespace, lender } = place;
    if (lender === null || lender === namespace) return namespace;
    const names = secretNames(location);
    for (const name of names) if (await this.hasSecret(namespace, name)) return namespace;
    return names.length === 0 ? namespace : lender;
  }

  /** Whether the place is that of a repository which the controller or its namespace gives. */
  isControllers(location: ArtifactLocation, repository: RepositoryReference): boolean {
    if (repository?.artifactRepository === undefined) return false;
    if (repository.default !== true && repository.namespace !== this.ports.controllerNamespace) return false;
    return isSameStore(location, repository.artifactRepository);
  }

  private async hasSecret(namespace: string, name: string): Promise<boolean> {
    try {
      await this.ports.resources.get({ kind: 'Secret', namespace, name });
      return true;
    } catch (error) {
      if (error instanceof ResourceNotFoundError) return false;
      throw error;
    }
  }
}

/** Names of the Secrets that a location refers to. */
export function secretNames(location: ArtifactLocation): string[] {
  return artifactDriverKinds(location).flatMap((kind) => Object.values(location[kind] ?? {}).flatMap(referencedNames));
}

function referencedNames(value: JsonValue | undefined): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(referencedNames);
  const { name, key } = value;
  return typeof name === 'string' && typeof key === 'string' ? [name] : Object.values(value).flatMap(referencedNames);
}

/**
 * Whether two places lie in one store and are opened in the same way: keys, and what makes keys, do not count. Where the key is a whole URL it
 * says where the store is, so no two places of such a driver are taken for the same.
 */
export function isSameStore(left: ArtifactLocation, right: ArtifactLocation): boolean {
  const [kind] = artifactDriverKinds(left);
  return kind !== undefined && artifactKeyField(kind) !== 'url' && storeText(left) === storeText(right);
}

/** The place without its key and without what makes keys. */
function storeText(location: ArtifactLocation): string {
  const [kind] = artifactDriverKinds(location);
  if (kind === undefined) return '';
  const keyless =
    keyOf({ [kind]: location[kind] }) === undefined ? { [kind]: location[kind] } : withKey({ [kind]: location[kind] }, '');
  const block = Object.entries(withoutKeyMaking(keyless[kind] ?? {})).filter(([, value]) => value !== '');
  return `${kind} ${sortedJson(Object.fromEntries(block))}`;
}
