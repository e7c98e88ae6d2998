import {
  artifactDriverKinds,
  artifactKeyField,
  artifactKeyOf,
  type ArtifactLocation,
  type JsonValue,
  type KubernetesObject,
  type Template,
} from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { workflowRepository } from './workflow-repository.js';

type Location = { [driver: string]: JsonValue };

/** The place that a template's `archiveLocation` names, without its key; undefined where it names none, or a key alone. */
const ownPlace = (location: ArtifactLocation): Location | undefined => {
  const [driver] = artifactDriverKinds(location);
  const key = driver === undefined ? undefined : artifactKeyField(driver);
  if (driver === undefined || key === undefined) return undefined;
  const { [key]: _key, ...place } = location[driver] as KubernetesObject;
  return Object.keys(place).length === 0 ? undefined : { [driver]: place };
};

/** Where artifacts and logs of this template's pods go: its `archiveLocation` where that names a place, else the repository. */
export const repositoryFor = (pass: Pass, { archiveLocation }: Template): Location | undefined =>
  (archiveLocation === undefined ? undefined : ownPlace(archiveLocation)) ?? workflowRepository(pass)?.location;

/** The key that a template's `archiveLocation` wants for its pods; undefined where it gives none. */
export const ownArchiveKey = ({ archiveLocation }: Template): string | undefined => {
  const [driver] = archiveLocation === undefined ? [] : artifactDriverKinds(archiveLocation);
  return archiveLocation === undefined || driver === undefined ? undefined : artifactKeyOf(archiveLocation, driver);
};
