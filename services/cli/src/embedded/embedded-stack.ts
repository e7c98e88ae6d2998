import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '#libs/observability';
import type { PodRuntime, RuntimeChoice } from '#libs/runtimes';
import { startEmbeddedPostgres, type Store } from '#libs/store';

export interface EmbeddedOptions {
  /** Holds everything that outlives the process: database, pods, artifacts. */
  dataDir: string;
  runtime: RuntimeChoice;
  imagesFile?: string | undefined;
  maxPods?: number | undefined;
  /** Address and port of the API; port 0 takes a free one. */
  host?: string | undefined;
  port: number;
  authToken?: string | undefined;
  /** Port of metrics and health; undefined: none. */
  metricsPort?: number | undefined;
  queuesWrite: boolean;
  logger: Logger;
  /** Told what is being waited for, for progress on a terminal. */
  onProgress?: (what: string) => void;
}

export interface EmbeddedStack {
  /** Where the API is served, for example `http://127.0.0.1:2746`. */
  url: string;
  store: Store;
  runtime: PodRuntime;
  stop(): Promise<void>;
}

/**
 * All services in this process: embedded Postgres, the queue on it with hints delivered in memory first, files as artifact
 * repository. A second start on the same folder finds the state of the first, whatever ended that.
 */
export const startEmbeddedStack = async (options: EmbeddedOptions): Promise<EmbeddedStack> => {
  const { logger, onProgress = () => undefined } = options;
  const dataDir = path.resolve(options.dataDir);
  // Others may pass through, so that Postgres can run as an unprivileged user; each folder below keeps its own closed.
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  onProgress('the database');
  // Loading the services takes as long as Postgres takes to start: both go on at once.
  const loadServices = () => import('./serve-services.js');
  const postgres = await startEmbeddedPostgres({ dataDir, onLive: 'stop', logger, onSpawn: () => void loadServices() });
  const closers: (() => Promise<void>)[] = [() => postgres.stop()];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    onProgress('the services');
    const { serveServices } = await loadServices();
    return { ...(await serveServices(postgres, { ...options, dataDir }, closers)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
