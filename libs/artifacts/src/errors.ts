import { PermanentError, UserError } from '#libs/workflow-spec';

/** There is no object at the location. Permanent for the caller; an optional input is left out instead. */
export class ArtifactNotFoundError extends PermanentError {
  constructor(
    readonly key: string,
    options: { cause?: unknown } = {},
  ) {
    super(`artifact object "${key}" does not exist`, options);
  }
}

/** The key would leave the store, or cannot be a name in it (`..`, absolute, NUL, a symbolic link on the way). */
export class ArtifactKeyError extends PermanentError {
  constructor(
    readonly key: string,
    readonly reason: string,
  ) {
    super(`artifact key ${JSON.stringify(key)} is refused: ${reason}`);
  }
}

/** The store answered and refuses (credentials, bucket, permission): repeating does not help. */
export class ArtifactAccessError extends PermanentError {}

/** The location names no driver, several, or one that this build does not have; the message names it. */
export class UnsupportedArtifactDriverError extends UserError {
  constructor(readonly driver: string) {
    super(driver === '' ? 'the artifact has no location' : `unsupported artifact driver "${driver}"`);
  }
}

/** The location lacks a field that its driver needs, or its values make no sense; the message names the field. */
export class ArtifactLocationError extends UserError {}

/** The content of an archive is refused: an entry leaves the target, is a device, or a limit is passed. */
export class ArchiveRefusedError extends UserError {}
