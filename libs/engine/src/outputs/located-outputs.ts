import {
  artifactDriverKinds,
  artifactKeyField,
  relocatedBlock,
  type Artifact,
  type ArtifactLocation,
  type JsonValue,
  type Outputs,
} from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import { podNameOf, templateOf } from '../templates/process-template.js';
import { archiveKeyOf } from './artifact-keys.js';
import { repositoryFor } from '../repository/template-repository.js';

const baseName = (path: string): string => path.replace(/\/+$/, '').split('/').at(-1) ?? '';

/** File name of an artifact without a key of its own: by its archive format. */
const fileName = (artifact: Artifact): string => {
  if (artifact.archive?.none !== undefined) return baseName(artifact.path ?? artifact.name);
  return `${artifact.name}${artifact.archive?.zip !== undefined ? '.zip' : '.tgz'}`;
};

/** The place under this key; blocks of drivers that have no keys stay as they are. */
const withKey = (location: { [driver: string]: JsonValue }, key: string): ArtifactLocation =>
  Object.fromEntries(
    artifactDriverKinds(location).map((kind) => {
      const field = artifactKeyField(kind);
      const block = location[kind] as { [key: string]: JsonValue };
      return [kind, field === undefined ? block : { ...block, [field]: key }];
    }),
  );

/** Where an output artifact lies: as its template says, with what is missing taken from the repository; never as the pod says. */
export const locationOf = (
  artifact: Artifact,
  repository: { [driver: string]: JsonValue } | undefined,
  archiveKey: string | undefined,
): ArtifactLocation => {
  const [kind] = artifactDriverKinds(artifact);
  if (kind === undefined) {
    return repository === undefined || archiveKey === undefined ? {} : withKey(repository, `${archiveKey}/${fileName(artifact)}`);
  }
  return relocatedBlock(kind, artifact[kind] as { [key: string]: JsonValue }, repository);
};

/** An artifact with the location that it will have, and no other. */
export const located = (artifact: Artifact, location: ArtifactLocation): Artifact => {
  if (Object.keys(location).length === 0) return artifact;
  const own = new Set<string>(artifactDriverKinds(artifact));
  const rest = Object.fromEntries(Object.entries(artifact).filter(([field, value]) => !own.has(field) && value !== null));
  return { ...(rest as Artifact), ...location };
};

/** The reported outputs with artifact locations computed from the spec and the repository; names that the template does not declare are dropped. */
export const locatedOutputs = (pass: Pass, node: TreeNode, reported: Outputs): Outputs => {
  if (reported.artifacts === undefined) return reported;
  const template = templateOf(pass, node);
  const podName = podNameOf(pass, node.status.name, node.status.templateRef?.template ?? node.status.templateName ?? '');
  const archiveKey = archiveKeyOf(pass, { node, podName, template });
  const repository = repositoryFor(pass, template);
  const artifacts = reported.artifacts.flatMap((artifact): Artifact[] => {
    const declared = template.outputs?.artifacts?.find(({ name }) => name === artifact.name);
    if (declared !== undefined) return [located(declared, locationOf(declared, repository, archiveKey))];
    if (!artifact.name.endsWith('-logs') || repository === undefined || archiveKey === undefined) return [];
    return [{ name: artifact.name, ...withKey(repository, `${archiveKey}/${artifact.name.replace(/-logs$/, '')}.log`) }];
  });
  return { ...reported, artifacts };
};
