import type { Resource } from '#libs/resources';
import { ManifestSyntaxError, parseManifests, sortedJson, type JsonValue, type ObjectMeta } from '#libs/workflow-spec';
import { KubectlError } from './kubectl-error.js';
import type { KindSource, ObjectKind } from './object-kinds.js';

/** Where argoexec would have written the manifest: its name is in the messages. */
const MANIFEST_FILE = '"/tmp/manifest.yaml"';

/** An object out of a manifest, of a kind that is there. `metadata.name` may be '' where a name is generated. */
export interface GivenObject {
  kind: ObjectKind;
  object: Resource;
}

/** What kubectl says that it was doing with the manifest. */
export const at = (doing: 'creating' | 'replacing' | 'deleting' | 'applying patch'): string =>
  `error when ${doing} ${MANIFEST_FILE}: `;

/** The one value of a manifest's YAML. Throws KubectlError. */
export const parseYaml = (text: string): JsonValue => {
  let values: JsonValue[];
  try {
    values = parseManifests(text).map(({ value }) => value);
  } catch (error) {
    if (error instanceof ManifestSyntaxError)
      throw new KubectlError(`error: error parsing ${MANIFEST_FILE}: ${error.message}`, { cause: error });
    throw error;
  }
  const [value, ...others] = values;
  if (value === undefined) throw new KubectlError('error: no objects passed');
  if (others.length > 0) throw new KubectlError('error: the manifest holds more than one object');
  return value;
};

/** The object of a manifest. Throws KubectlError in the words of kubectl where it is none, or of a kind that is not there. */
export const givenObject = async (value: JsonValue, kinds: KindSource): Promise<GivenObject> => {
  const json = sortedJson(value);
  const undecodable = (what: string): KubectlError =>
    new KubectlError(`error: unable to decode ${MANIFEST_FILE}: Object '${what}' is missing in '${json}'`);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw undecodable('Kind');
  const { kind, apiVersion, metadata } = value;
  if (typeof kind !== 'string' || kind === '') throw undecodable('Kind');
  if (typeof apiVersion !== 'string' || apiVersion === '') throw undecodable('apiVersion');
  const known = await kinds.ofManifest(apiVersion, kind);
  const meta = (metadata ?? {}) as ObjectMeta;
  return { kind: known, object: { ...value, apiVersion, kind, metadata: { ...meta, name: meta.name ?? '' } } };
};
