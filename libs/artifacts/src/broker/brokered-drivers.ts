import type { Readable } from 'node:stream';

import { type ArtifactDriverKind, type ArtifactLocation, type JsonValue } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions } from '../contract.js';
import { driverKindOf } from '../location.js';
import type { ArtifactDrivers } from '../registry.js';

import { BrokerClient, type BrokerAddress, OwnIdentityError } from './broker-client.js';
import { BrokeredDriver, BrokeredFolderDriver } from './brokered-driver.js';

/** Stores that are opened with somebody's identity even where no Secret is named. */
const WITH_IDENTITY: ReadonlySet<ArtifactDriverKind> = new Set(['s3', 'gcs', 'azure', 'oss', 'hdfs', 'plugin', 'filesystem']);

/** Whether a location names a Secret anywhere: its reference is an object with `name` and `key`. */
function namesSecret(value: JsonValue | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(namesSecret);
  return (typeof value['name'] === 'string' && typeof value['key'] === 'string') || Object.values(value).some(namesSecret);
}

/** `partBytes`: of one part of an upload, at least 5 MiB, of which three are in memory; default 16 MiB. */
type BrokeredOptions = BrokerAddress & { own: ArtifactDrivers; partBytes?: number };

/**
 * Drivers for a place that holds no credentials: what needs some goes to the broker, all else (`raw`, open URLs and repositories) to the `own`
 * drivers. So does what the broker leaves to the pod's own identity.
 */
export function createBrokeredDrivers({ own, partBytes, ...address }: BrokeredOptions): ArtifactDrivers {
  const client = new BrokerClient(address);
  return {
    driverFor(location, scope) {
      const kind = driverKindOf(location);
      if (kind === undefined || !(WITH_IDENTITY.has(kind) || namesSecret(location[kind]))) return own.driverFor(location, scope);
      if (kind === 'git') return new BrokeredFolderDriver(kind, client);
      return new FallingBackDriver({ kind, client, partBytes }, () => own.driverFor(location, scope));
    },
    close: () => own.close(),
  };
}

/** Asks the broker first, and the own driver where the broker says that the place is not its own. */
class FallingBackDriver extends BrokeredDriver {
  constructor(
    { kind, client, partBytes }: { kind: ArtifactDriverKind; client: BrokerClient; partBytes: number | undefined },
    private readonly own: () => ArtifactDriver,
  ) {
    super(kind, client, partBytes);
  }

  override async load(location: ArtifactLocation): Promise<Readable> {
    return this.orOwn(
      () => super.load(location),
      (driver) => driver.load(location),
    );
  }

  override async save(location: ArtifactLocation, body: Readable, options?: SaveOptions): Promise<void> {
    const isOwn = await this.leftToUs(location);
    await (isOwn ? this.own().save(location, body, options) : super.save(location, body, options));
  }

  override async *list(location: ArtifactLocation) {
    yield* (await this.leftToUs(location)) ? this.own().list(location) : super.list(location);
  }

  override async head(location: ArtifactLocation) {
    return this.orOwn(
      () => super.head(location),
      (driver) => driver.head(location),
    );
  }

  override async isDirectory(location: ArtifactLocation): Promise<boolean> {
    return this.orOwn(
      () => super.isDirectory(location),
      (driver) => driver.isDirectory(location),
    );
  }

  private async orOwn<T>(ask: () => Promise<T>, otherwise: (driver: ArtifactDriver) => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof OwnIdentityError) return otherwise(this.own());
      throw error;
    }
  }

  /** A stream cannot be given to two: whose place it is is asked first. */
  private async leftToUs(location: ArtifactLocation): Promise<boolean> {
    try {
      await this.client.ask('/place', location);
      return false;
    } catch (error) {
      if (error instanceof OwnIdentityError) return true;
      throw error;
    }
  }
}
