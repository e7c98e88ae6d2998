import type { ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver } from './contract.js';
import { UnsupportedArtifactDriverError } from './errors.js';
import { FilesystemArtifactDriver } from './filesystem/filesystem-driver.js';
import { driverKindOf } from './location.js';
import { RawArtifactDriver } from './raw/raw-driver.js';
import { DeferredS3Driver } from './s3/deferred-s3-driver.js';
import type { S3Connections } from './s3/s3-connections.js';
import type { SecretReader } from './s3/s3-settings.js';

/** What the drivers are made of; a driver whose part is absent is refused by name. */
export interface ArtifactDriversOptions {
  clock: { nowMs(): number };
  /** Folder under which the `filesystem` driver keeps its objects. */
  filesystem?: { rootFolder: string };
  s3?: {
    /** Value of a key of a Secret in the workflow's namespace; undefined where there is none. */
    readSecret: SecretReader;
    /** For stores that do not know the checksums that the SDK adds by itself; default `WHEN_SUPPORTED`. */
    requestChecksumCalculation?: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED';
    /** Attempts of one request before it counts as failed; default 3. */
    maxAttempts?: number;
  };
}

/** Gives the driver for a location. `namespace` is where the location's Secrets are read. */
export interface ArtifactDrivers {
  /** Throws UnsupportedArtifactDriverError, which names the driver, where it is unknown or not configured. */
  driverFor(location: ArtifactLocation, scope: { namespace: string }): ArtifactDriver;
  /** Ends idle connections. */
  close(): void;
}

/** The drivers of this build: `filesystem`, `s3`, `raw`. */
export function createArtifactDrivers(options: ArtifactDriversOptions): ArtifactDrivers {
  const raw = new RawArtifactDriver();
  const filesystem =
    options.filesystem === undefined ? undefined : new FilesystemArtifactDriver(options.filesystem.rootFolder, options.clock);
  const { s3 } = options;
  let connections: Promise<S3Connections> | undefined;
  const connect = (settings: NonNullable<typeof s3>): Promise<S3Connections> =>
    (connections ??= import('./s3/s3-connections.js').then((loaded) => new loaded.S3Connections(settings)));
  return {
    driverFor(location, { namespace }) {
      const kind = driverKindOf(location);
      if (kind === 'raw') return raw;
      if (kind === 'filesystem' && filesystem !== undefined) return filesystem;
      if (kind === 's3' && s3 !== undefined) return new DeferredS3Driver(async () => (await connect(s3)).driverFor(namespace));
      throw new UnsupportedArtifactDriverError(kind ?? '');
    },
    close: () => void connections?.then((opened) => opened.close()),
  };
}
