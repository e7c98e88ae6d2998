/** All objects of one kind, in one namespace or in all. */
export interface CollectionAddress {
  /** Group and version as in manifests: `v1`, `batch/v1`, `argoproj.io/v1alpha1`. */
  apiVersion: string;
  /** As in paths: `pods`, `workflows`. */
  plural: string;
  /** Absent or '': all namespaces, and kinds without namespaces. */
  namespace?: string;
}

/** One object, or a part of it (`status`, `log`, `exec` …). */
export interface ObjectAddress extends CollectionAddress {
  name: string;
  subresource?: string;
}

const rootOf = (apiVersion: string): string => (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`);

/** Path of a collection below the API server's address. */
export const collectionPath = ({ apiVersion, plural, namespace }: CollectionAddress): string =>
  [rootOf(apiVersion), ...(namespace ? ['namespaces', encodeURIComponent(namespace)] : []), plural].join('/');

/** Path of one object. A name that would leave its collection is encoded. */
export const objectPath = (address: ObjectAddress): string =>
  [collectionPath(address), encodeURIComponent(address.name), ...(address.subresource ? [address.subresource] : [])].join('/');

/** Path of what a group and version offers. */
export const discoveryPath = rootOf;
