import { formatTime, InvalidArgumentError, objectNameProblem, type ObjectMeta } from '#libs/workflow-spec';
import type { Resource, ResourceKey } from './contract.js';
import type { ResourceRow } from './resource-table.js';

/** The key of an object; cluster-scoped kinds have no namespace. */
export const keyOf = (resource: Resource): ResourceKey => ({
  kind: resource.kind,
  namespace: resource.metadata.namespace ?? '',
  name: resource.metadata.name,
});

/** The object as callers see it: its version is part of its metadata. */
export const toResource = ({ body, version }: ResourceRow): Resource => ({
  ...body,
  metadata: { ...body.metadata, resourceVersion: String(version) },
});

/** The body as stored: the version has its own column, managed fields are Kubernetes' own. */
const storedBody = (resource: Resource, metadata: ObjectMeta): Resource => {
  const { resourceVersion: _version, managedFields: _managed, ...kept } = { ...resource.metadata, ...metadata };
  return { ...resource, metadata: kept };
};

/** A new object with what the store itself gives: uid (kept where given), creation time, generation 1. */
export const newBody = (resource: Resource, uid: string, nowMs: number): Resource =>
  storedBody(resource, { uid, creationTimestamp: formatTime(nowMs), generation: 1 });

const content = ({ metadata: _metadata, status: _status, ...rest }: Resource): string => JSON.stringify(rest);

/** A changed object: uid and creation time stay, the generation rises with anything but metadata and status, as in Kubernetes. */
export const changedBody = (resource: Resource, before: Resource): Resource => {
  const { uid, creationTimestamp, generation = 1 } = before.metadata;
  return storedBody(resource, {
    ...(uid === undefined ? {} : { uid }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    generation: content(resource) === content(before) ? generation : generation + 1,
  });
};

/** Name and size are acceptable; InvalidArgumentError otherwise. The message names the object and never its content. */
export const assertStorable = (resource: Resource, maxBytes: number): void => {
  const { kind, metadata } = resource;
  const problem = objectNameProblem(metadata.name);
  if (problem !== undefined) throw new InvalidArgumentError(`${kind} is invalid: ${problem}`);
  const sizeBytes = Buffer.byteLength(JSON.stringify(resource));
  if (sizeBytes > maxBytes) {
    throw new InvalidArgumentError(
      `${kind} ${JSON.stringify(metadata.name)} is too large: ${sizeBytes} bytes, at most ${maxBytes}`,
    );
  }
};
