import { AlreadyExistsError, GrpcCode, NotFoundError, UserError } from '#libs/workflow-spec';
import type { ResourceKey } from './contract.js';

const CORE_KINDS = new Set(['ConfigMap', 'Secret', 'ServiceAccount', 'Pod', 'Event']);

/** How Kubernetes names a kind in messages: `workflowtemplates.argoproj.io`, `configmaps`. */
const pluralName = (kind: string): string => `${kind.toLowerCase()}s${CORE_KINDS.has(kind) ? '' : '.argoproj.io'}`;

const named = (key: ResourceKey): string => `${pluralName(key.kind)} ${JSON.stringify(key.name)}`;

/** No object of this kind, namespace and name (gRPC 5, HTTP 404); Kubernetes' message. */
export class ResourceNotFoundError extends NotFoundError {
  constructor(readonly key: ResourceKey) {
    super(`${named(key)} not found`);
  }
}

/** An object of this name is there already (gRPC 6, HTTP 409); Kubernetes' message. */
export class ResourceExistsError extends AlreadyExistsError {
  constructor(readonly key: ResourceKey) {
    super(`${named(key)} already exists`);
  }
}

/** The object was changed since the caller read it (gRPC 10, HTTP 409); read it again and repeat. */
export class ResourceConflictError extends UserError {
  constructor(readonly key: ResourceKey) {
    super(
      `Operation cannot be fulfilled on ${named(key)}: the object has been modified; please apply your changes to the latest version`,
      {
        grpcCode: GrpcCode.Aborted,
      },
    );
  }
}

/** A watch from a version whose deletions are no longer known (gRPC 11, HTTP 410): list again and watch from there. */
export class ResourceExpiredError extends UserError {
  constructor(
    readonly resourceVersion: number,
    readonly oldestVersion: number,
  ) {
    super(`too old resource version: ${resourceVersion} (${oldestVersion})`, { grpcCode: GrpcCode.OutOfRange });
  }
}
