import type { Readable } from 'node:stream';

import {
  type ArtifactDriverKind,
  artifactDriverKinds,
  artifactKeyField,
  artifactKeyOf,
  type ArtifactLocation,
} from '#libs/workflow-spec';

/** What a log needs of one object store; `ArtifactDriver` of libs/artifacts fits. */
export interface LogObjectStore {
  load(location: ArtifactLocation): Promise<Readable>;
  save(
    location: ArtifactLocation,
    body: Readable,
    options: { metadata: Record<string, string>; sizeBytes?: number; signal?: AbortSignal },
  ): Promise<void>;
  list(location: ArtifactLocation): AsyncIterable<{ key: string; sizeBytes: number }>;
  delete(location: ArtifactLocation): Promise<void>;
  head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined>;
}

/** The object stores; `ArtifactDrivers` of libs/artifacts fits. */
export interface LogObjects {
  driverFor(location: ArtifactLocation, scope: { namespace: string }): LogObjectStore;
}

/** The log of one container of one pod: where it is in the end, and whose it is. */
export interface LogPlace {
  /** The full location of the artifact `<container>-logs`, as Argo names it. */
  location: ArtifactLocation;
  /** Whose Secrets open the location. */
  namespace: string;
  workflowUid: string;
  nodeId: string;
  /** Of the pod: a pod that was made anew writes to the same key. */
  incarnation: number;
}

/**
 * Metadata of an object that is (a part of) a log, beside the marks of its owner. `complete`: it was saved from the pod itself; `bookmark`: where a reader goes
 * on behind a segment, in the words of the source.
 */
export const LogMark = {
  times: 'log-times',
  incarnation: 'log-incarnation',
  complete: 'log-complete',
  bookmark: 'log-bookmark',
} as const;

/** The metadata of an object of this log; `times` is what LogTimes writes. */
export function logMarks(
  place: Omit<LogPlace, 'location' | 'namespace'>,
  times: string,
  bookmark?: string,
): Record<string, string> {
  return {
    'workflow-uid': place.workflowUid,
    'node-id': place.nodeId,
    [LogMark.incarnation]: String(place.incarnation),
    ...(times === '' ? {} : { [LogMark.times]: times }),
    ...(bookmark === undefined ? {} : { [LogMark.bookmark]: bookmark }),
  };
}

/** The block's name and the field of its key; undefined where the location has no key by which objects beside it could be named. */
export function keyedBlock(location: ArtifactLocation): { kind: ArtifactDriverKind; field: string; key: string } | undefined {
  const [kind] = artifactDriverKinds(location);
  if (kind === undefined) return undefined;
  const field = artifactKeyField(kind);
  const key = artifactKeyOf(location, kind);
  return field === undefined || key === undefined ? undefined : { kind, field, key };
}

/** The same place with another key. */
export function withLogKey(location: ArtifactLocation, key: string): ArtifactLocation {
  const block = keyedBlock(location);
  return block === undefined ? location : { [block.kind]: { ...location[block.kind], [block.field]: key } };
}
