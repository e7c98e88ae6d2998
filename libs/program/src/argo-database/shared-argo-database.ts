import { ConfigError, type Secret } from '#libs/config';
import type { ControllerSettings, ResourceStore } from '#libs/resources';
import {
  type ArgoDatabase,
  type ArgoPlace,
  argoPlaceFromUrl,
  describePlace,
  openArgoDatabase,
  type StoreLogger,
} from '#libs/store';
import type { Clock, ControllerConfig } from '#libs/workflow-spec';
import { argoPlaceOf, type SecretReader, secretReader } from './argo-place.js';

export interface SharedArgoDatabaseOptions {
  settings: Pick<ControllerSettings, 'current' | 'known'>;
  readSecret: SecretReader;
  /** Where Argo's tables are as long as `persistence` names no database; absent: beside our own. */
  byDefault?: ArgoPlace | undefined;
  clock: Clock;
  logger: StoreLogger;
}

/** Secrets are read again after this, so that a changed password is used without a restart. */
const SECRETS_MS = 30_000;
/** What still runs on a database that is left may end. */
const GRACE_MS = 60_000;

/**
 * The database with Argo's tables that the controller's configuration names, one pool for all parts of a program, followed live. States:
 * *unopened*; *open* (a place and its pool), left for another *open* when the place or a Secret changes; *closed*.
 */
export class SharedArgoDatabase {
  private readonly options: SharedArgoDatabaseOptions;
  private opened: { key: string; database: ArgoDatabase } | undefined;
  private known: { config: ControllerConfig; place: ArgoPlace | undefined; readAtMs: number } | undefined;
  /** Databases that were left, until they are closed. */
  private readonly left = new Map<ArgoDatabase, NodeJS.Timeout>();

  constructor(options: SharedArgoDatabaseOptions) {
    this.options = options;
  }

  /** Undefined: the tables stand beside our own. Rejects with TransientError while the configuration or a Secret cannot be read. */
  readonly current = async (): Promise<ArgoDatabase | undefined> => {
    const place = await this.place();
    const key = place === undefined ? '' : JSON.stringify(place);
    if (key === (this.opened?.key ?? '')) return this.opened?.database;
    this.leave();
    if (place === undefined) return undefined;
    const { clock, logger } = this.options;
    this.opened = { key, database: openArgoDatabase(place, { clock, logger }) };
    logger.info("Argo's tables are in a database of their own", { place: describePlace(place) });
    return this.opened.database;
  };

  async close(): Promise<void> {
    for (const timer of this.left.values()) clearTimeout(timer);
    const all = [...this.left.keys(), ...(this.opened === undefined ? [] : [this.opened.database])];
    await Promise.all(all.map((database) => database.close()));
    this.left.clear();
  }

  private async place(): Promise<ArgoPlace | undefined> {
    const { settings, readSecret, byDefault, clock } = this.options;
    await settings.known();
    const config = settings.current();
    const nowMs = clock.nowMs();
    if (this.known?.config !== config || nowMs - this.known.readAtMs > SECRETS_MS) {
      const named = await argoPlaceOf(config, readSecret);
      const { clusterName } = config.persistence ?? {};
      const usual = byDefault && { ...byDefault, ...(clusterName ? { clusterName } : {}) };
      this.known = { config, place: named ?? usual, readAtMs: nowMs };
    }
    return this.known.place;
  }

  private leave(): void {
    const database = this.opened?.database;
    this.opened = undefined;
    if (database === undefined) return;
    const end = (): void => {
      this.left.delete(database);
      void database.close();
    };
    this.left.set(database, setTimeout(end, GRACE_MS).unref());
  }
}

export interface ArgoDatabaseConfig {
  archiveDatabaseUrl: Secret | undefined;
  controllerNamespace: string;
}

export interface ArgoDatabaseParts {
  controllerConfig: Pick<ControllerSettings, 'current' | 'known'>;
  resources: Pick<ResourceStore, 'get'>;
  clock: Clock;
  logger: StoreLogger;
}

/** See SharedArgoDatabase; opens nothing yet. Throws ConfigError where ARCHIVE_DATABASE_URL cannot be read. */
export const shareArgoDatabase = (config: ArgoDatabaseConfig, parts: ArgoDatabaseParts): SharedArgoDatabase => {
  const { controllerConfig, resources, clock, logger } = parts;
  return new SharedArgoDatabase({
    settings: controllerConfig,
    readSecret: secretReader(resources, config.controllerNamespace),
    byDefault: config.archiveDatabaseUrl && placeFromVariable(config.archiveDatabaseUrl.reveal()),
    clock,
    logger,
  });
};

const placeFromVariable = (url: string): ArgoPlace => {
  try {
    return argoPlaceFromUrl(url);
  } catch (error) {
    throw new ConfigError([{ variable: 'ARCHIVE_DATABASE_URL', problem: (error as Error).message }]);
  }
};
