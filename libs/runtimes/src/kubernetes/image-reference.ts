import { PodRefusedError } from '../errors.js';

/** Where an image is: the host of its registry, the repository, and a tag or a digest. */
export interface ImageReference {
  registry: string;
  repository: string;
  reference: string;
}

const DEFAULT_REGISTRY = 'docker.io';
const REPOSITORY = /^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/;

/** Reads an image's name as container engines do: Docker Hub where no registry is named, `library/` before a single word, `latest` without a tag. */
export function imageReference(image: string): ImageReference {
  const [name = '', digest] = image.split('@', 2);
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(0, slash));
  const isRegistry = first === 'localhost' || /[.:]/.test(first);
  const registry = isRegistry ? first : DEFAULT_REGISTRY;
  const rest = isRegistry ? name.slice(slash + 1) : name;
  const colon = rest.lastIndexOf(':');
  const hasTag = colon > rest.lastIndexOf('/');
  const path = hasTag ? rest.slice(0, colon) : rest;
  const repository = registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path;
  if (!REPOSITORY.test(repository)) throw new PodRefusedError(`image ${JSON.stringify(image)}: the name is not allowed`);
  return { registry, repository, reference: digest ?? (hasTag ? rest.slice(colon + 1) : 'latest') };
}
