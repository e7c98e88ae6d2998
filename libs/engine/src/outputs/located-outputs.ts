import type { Artifact, ArtifactLocation, JsonValue, Outputs } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import { podNameOf, templateOf } from '../templates/process-template.js';
import { archiveKeyOf } from './artifact-keys.js';
import { repositoryFor } from '../repository/template-repository.js';

const LOCATION_FIELDS = [
  's3',
  'filesystem',
  'gcs',
  'oss',
  'azure',
  'hdfs',
  'artifactory',
  'http',
  'git',
  'raw',
  'plugin',
] as const;
type LocationField = (typeof LOCATION_FIELDS)[number];

const fieldOf = (location: ArtifactLocation): LocationField | undefined =>
  LOCATION_FIELDS.find((field) => location[field] !== undefined);

const baseName = (path: string): string => path.replace(/\/+$/, '').split('/').at(-1) ?? '';

/** File name of an artifact without a key of its own: by its archive format. */
const fileName = (artifact: Artifact): string => {
  if (artifact.archive?.none !== undefined) return baseName(artifact.path ?? artifact.name);
  return `${artifact.name}${artifact.archive?.zip !== undefined ? '.zip' : '.tgz'}`;
};

/** Name of the field that holds the key, by driver. */
const KEY_FIELD: Readonly<Record<string, string>> = { azure: 'blob', hdfs: 'path', artifactory: 'url' };

const withKey = (location: { [driver: string]: JsonValue }, key: string): ArtifactLocation =>
  Object.fromEntries(
    Object.entries(location).map(([driver, block]) => [
      driver,
      { ...(block as { [key: string]: JsonValue }), [KEY_FIELD[driver] ?? 'key']: key },
    ]),
  );

/** Where an output artifact lies: as its template says, with what is missing taken from the repository; never as the pod says. */
export const locationOf = (
  artifact: Artifact,
  repository: { [driver: string]: JsonValue } | undefined,
  archiveKey: string | undefined,
): ArtifactLocation => {
  const field = fieldOf(artifact);
  if (field === undefined) {
    return repository === undefined || archiveKey === undefined ? {} : withKey(repository, `${archiveKey}/${fileName(artifact)}`);
  }
  const own = artifact[field] as { [key: string]: JsonValue };
  const key = own[KEY_FIELD[field] ?? 'key'];
  const isKeyOnly = Object.keys(own).length === 1 && typeof key === 'string';
  if (isKeyOnly && repository !== undefined) return withKey(repository, key);
  return { [field]: own };
};

/** An artifact with the location that it will have, and no other. */
export const located = (artifact: Artifact, location: ArtifactLocation): Artifact => {
  if (Object.keys(location).length === 0) return artifact;
  const rest = Object.fromEntries(
    Object.entries(artifact).filter(([field]) => !(LOCATION_FIELDS as readonly string[]).includes(field)),
  );
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
