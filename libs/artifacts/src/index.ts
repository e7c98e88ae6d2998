export type {
  ArtifactDriver,
  PartUploads,
  PresignedPart,
  PresignedRequest,
  PresignOrder,
  SaveOptions,
  StoredObject,
} from './contract.js';
export {
  ArchiveRefusedError,
  ArtifactAccessError,
  ArtifactKeyError,
  ArtifactLocationError,
  ArtifactNotFoundError,
  UnsupportedArtifactDriverError,
} from './errors.js';
export { DEFAULT_ARCHIVE_LIMITS, type ArchiveLimits } from './archives/limits.js';
export { packFolder } from './broker/folder-archive.js';
export { createBrokeredDrivers } from './broker/brokered-drivers.js';
export { driverKindOf, keyOf, locationOf, relocate, withKey } from './location.js';
export { createArtifactDrivers, type ArtifactDrivers, type ArtifactDriversOptions } from './registry.js';
export type { SecretReader } from './secrets/secret-fields.js';
export { ArtifactTransfer, type ArtifactPlace, type LoadRequest, type SaveBytesRequest, type SaveRequest } from './transfer.js';
