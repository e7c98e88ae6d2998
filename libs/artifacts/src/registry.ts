import type { ArtifactDriverKind, ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver } from './contract.js';
import { UnsupportedArtifactDriverError } from './errors.js';
import { AzureArtifactDriver } from './azure/azure-driver.js';
import { azureToken } from './azure/azure-token.js';
import { FilesystemArtifactDriver } from './filesystem/filesystem-driver.js';
import { GcsArtifactDriver } from './gcs/gcs-driver.js';
import { GitArtifactDriver } from './git/git-driver.js';
import { HdfsArtifactDriver } from './hdfs/hdfs-driver.js';
import { HttpArtifactDriver } from './http/http-driver.js';
import { LentCredentials } from './identity/lent-credentials.js';
import type { StoreSettings } from './identity/machine-identity.js';
import { driverKindOf } from './location.js';
import { OssArtifactDriver } from './oss/oss-driver.js';
import { lentOssKeys } from './oss/oss-role.js';
import type { PluginConnections } from './plugin/plugin-connections.js';
import { PluginArtifactDriver } from './plugin/plugin-driver.js';
import { RawArtifactDriver } from './raw/raw-driver.js';
import { DeferredS3Driver } from './s3/deferred-s3-driver.js';
import type { S3Connections } from './s3/s3-connections.js';
import type { SecretReader, SecretScope } from './secrets/secret-fields.js';

/** What the drivers are made of; a driver whose part is absent is refused by name. */
export interface ArtifactDriversOptions {
  clock: { nowMs(): number };
  /** Folder under which the `filesystem` driver keeps its objects. */
  filesystem?: { rootFolder: string };
  /** Plugins, and who this program is for its platform, for blocks that ask for that (`useSDKCreds`) instead of naming Secrets. */
  stores?: StoreSettings;
  /** Value of a key of a Secret in the workflow's namespace. Absent: only those are there that need none. */
  readSecret?: SecretReader;
  /** Another address of Google's API, for an emulator. */
  gcs?: { apiUrl?: string };
  s3?: {
    /** For stores that do not know the checksums that the SDK adds by itself; default `WHEN_SUPPORTED`. */
    requestChecksumCalculation?: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED';
    /** Attempts of one request before it counts as failed; default 3. */
    maxAttempts?: number;
    /** Bytes of one part of an upload, at least 5 MiB; three are in memory. Default 8 MiB. */
    partBytes?: number;
  };
}

/** Gives the driver for a location. `namespace` is where the location's Secrets are read. */
export interface ArtifactDrivers {
  /** Throws UnsupportedArtifactDriverError, which names the driver, where it is unknown or not configured. */
  driverFor(location: ArtifactLocation, scope: { namespace: string }): ArtifactDriver;
  /** Ends idle connections. */
  close(): void;
}

/** What a driver is made from: the namespace whose Secrets it reads. */
type DriverSource = (scope: SecretScope) => ArtifactDriver;

/** The drivers of this build. */
export function createArtifactDrivers(options: ArtifactDriversOptions): ArtifactDrivers {
  const { readSecret, filesystem, clock } = options;
  const s3 = s3Source(options);
  const plugins = pluginSource(options.stores?.artifactPlugins);
  const lent = lentCredentials(options);
  const withoutSecrets: Partial<Record<ArtifactDriverKind, ArtifactDriver>> = {
    raw: new RawArtifactDriver(),
    hdfs: new HdfsArtifactDriver(clock),
    ...(plugins === undefined ? {} : { plugin: plugins.driver }),
    ...(filesystem === undefined ? {} : { filesystem: new FilesystemArtifactDriver(filesystem.rootFolder, clock) }),
  };
  const withSecrets: Partial<Record<ArtifactDriverKind, DriverSource>> = {
    s3: s3.open,
    http: (scope) => new HttpArtifactDriver('http', scope),
    artifactory: (scope) => new HttpArtifactDriver('artifactory', scope),
    git: (scope) => new GitArtifactDriver(scope),
    gcs: (scope) => new GcsArtifactDriver(scope, { clock, ...options.gcs }),
    azure: (scope) => new AzureArtifactDriver(scope, { clock, lentToken: () => lent.azure.get() }),
    oss: (scope) => new OssArtifactDriver(scope, { clock, lentKeys: () => lent.oss.get() }),
  };
  return {
    driverFor(location, { namespace }) {
      const kind = driverKindOf(location);
      const plain = kind === undefined ? undefined : withoutSecrets[kind];
      if (plain !== undefined) return plain;
      const source = kind === undefined ? undefined : withSecrets[kind];
      if (source !== undefined && readSecret !== undefined) return source({ namespace, readSecret });
      throw new UnsupportedArtifactDriverError(kind ?? '');
    },
    close() {
      s3.close();
      plugins?.close();
    },
  };
}

/** What is lent to this program, by the store that it is for. */
function lentCredentials({ stores = {}, clock }: ArtifactDriversOptions) {
  return {
    azure: new LentCredentials(clock, () => azureToken(stores, clock.nowMs())),
    oss: new LentCredentials(clock, () => lentOssKeys(stores)),
  };
}

/** gRPC is loaded with the first use, as most programs never need it. */
function pluginSource(folder: string | undefined): { driver: ArtifactDriver; close: () => void } | undefined {
  if (folder === undefined) return undefined;
  let connections: Promise<PluginConnections> | undefined;
  const connect = (): Promise<PluginConnections> =>
    (connections ??= import('./plugin/plugin-connections.js').then((loaded) => new loaded.PluginConnections(folder)));
  return {
    driver: new PluginArtifactDriver(async (name) => (await connect()).open(name)),
    close: () => void connections?.then((opened) => opened.close()),
  };
}

/** One pool of connections for all namespaces, made with the first use. */
function s3Source({ readSecret, s3 = {} }: ArtifactDriversOptions): { open: DriverSource; close: () => void } {
  let connections: Promise<S3Connections> | undefined;
  const connect = (reader: SecretReader): Promise<S3Connections> =>
    (connections ??= import('./s3/s3-connections.js').then((loaded) => new loaded.S3Connections({ ...s3, readSecret: reader })));
  return {
    open: (scope) => new DeferredS3Driver(async () => (await connect(readSecret ?? scope.readSecret)).driverFor(scope.namespace)),
    close: () => void connections?.then((opened) => opened.close()),
  };
}
