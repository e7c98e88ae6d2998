import type { ArtifactLocation } from '#libs/workflow-spec';

import { ArtifactLocationError } from '../errors.js';
import { type Block, type SecretScope, secretAt, textAt } from '../secrets/secret-fields.js';

/** What is to be checked out of where, with the Secrets read. Every text of it is safe as an argument of `git`. */
export interface GitOrder {
  repository: string;
  /** Branch, tag, commit or another reference; absent: what the server calls its HEAD. */
  revision?: string;
  branch?: string;
  singleBranch: boolean;
  /** Commits of history; absent: all. */
  depth?: number;
  /** Further refspecs to be fetched before the revision is looked up. */
  fetch: readonly string[];
  submodules: boolean;
  skipsTlsCheck: boolean;
  skipsHostKeyCheck: boolean;
  user?: { name: string; password: string };
  sshPrivateKey?: string;
}

/** `user@host:path`, as ssh's own spelling of an address. */
const SCP_LIKE = /^[A-Za-z0-9._][A-Za-z0-9._~-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!-)[^\s\0]+$/;
const URL_LIKE = /^(https?|ssh|git):\/\/(?!-)[^\s\0]+$/;
/** Stricter than git's own rule for names: what begins with a dash could be taken for an option. */
const REFERENCE = /^[A-Za-z0-9_@.][A-Za-z0-9_@./+~^{}-]*$/;
const REFSPEC = /^\+?[A-Za-z0-9_@.][A-Za-z0-9_@./+*-]*(:[A-Za-z0-9_@.][A-Za-z0-9_@./+*-]*)?$/;

/** Reads a `git` block and its Secrets. Throws ArtifactLocationError that names the field. */
export async function gitOrder(location: ArtifactLocation, scope: SecretScope): Promise<GitOrder> {
  const block: Block = location.git ?? {};
  const read = (field: string): Promise<string | undefined> => secretAt(block[field], `git.${field}`, scope);
  const [name, password, sshPrivateKey] = await Promise.all([
    read('usernameSecret'),
    read('passwordSecret'),
    read('sshPrivateKeySecret'),
  ]);
  const revision = reference(block, 'revision');
  const branch = reference(block, 'branch');
  const depth = depthOf(block);
  const singleBranch = block['singleBranch'] === true;
  if (singleBranch && branch === undefined) throw new ArtifactLocationError('git.singleBranch needs git.branch');
  return {
    repository: repositoryOf(block),
    ...(revision === undefined ? {} : { revision }),
    ...(branch === undefined ? {} : { branch }),
    singleBranch,
    ...(depth === undefined ? {} : { depth }),
    fetch: refspecs(block),
    submodules: block['disableSubmodules'] !== true,
    skipsTlsCheck: block['insecureSkipTLS'] === true,
    skipsHostKeyCheck: block['insecureIgnoreHostKey'] === true,
    ...(name === undefined && password === undefined ? {} : { user: { name: name ?? '', password: password ?? '' } }),
    ...(sshPrivateKey === undefined ? {} : { sshPrivateKey }),
  };
}

/** Files of the host are no repositories of a workflow, so addresses are those of a network. */
function repositoryOf(block: Block): string {
  const repository = textAt(block, 'repo');
  if (repository === undefined) throw new ArtifactLocationError('git.repo is required');
  if (URL_LIKE.test(repository) || SCP_LIKE.test(repository)) return repository;
  throw new ArtifactLocationError('git.repo is neither a URL of http, https, ssh or git nor of the form user@host:path');
}

function reference(block: Block, field: string): string | undefined {
  const value = textAt(block, field);
  if (value === undefined || REFERENCE.test(value)) return value;
  throw new ArtifactLocationError(`git.${field} ${JSON.stringify(value)} is not a reference`);
}

function depthOf(block: Block): number | undefined {
  const depth = block['depth'];
  if (depth === undefined || depth === null || depth === 0) return undefined;
  if (typeof depth === 'number' && Number.isSafeInteger(depth) && depth > 0) return depth;
  throw new ArtifactLocationError('git.depth is not a number of commits');
}

function refspecs(block: Block): string[] {
  const list = Array.isArray(block['fetch']) ? block['fetch'] : [];
  return list.map((refspec) => {
    if (typeof refspec === 'string' && REFSPEC.test(refspec)) return refspec;
    throw new ArtifactLocationError(`git.fetch: ${JSON.stringify(refspec)} is not a refspec`);
  });
}
