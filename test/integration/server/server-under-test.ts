import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createArtifactDrivers } from '#libs/artifacts';
import { loadConfig } from '#libs/config';
import { openResources } from '#libs/program';
import { createStore, type Store } from '#libs/store';
import { MemoryJobQueue, postgresTemplate } from '#libs/testing';
import { serverSchema, startServer, type PodLogSource, type ServerPorts } from '#services/server';

/** A server on a port of its own, with what a test looks at. */
export interface ServerUnderTest {
  url: string;
  ports: ServerPorts;
  store: Store;
  queue: MemoryJobQueue;
  /** Sends JSON and reads JSON; `body` undefined sends none. */
  request: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; body: never }>;
  close(): Promise<void>;
}

export interface ServerTestOptions {
  /** Variables of the server. */
  environment?: Record<string, string>;
  podLogs?: PodLogSource;
  /** False: nothing answers where the database should be. */
  database?: boolean;
  queueBoard?: ServerPorts['queueBoard'];
  /** Other ports than the usual ones. */
  adjusted?: (ports: ServerPorts) => ServerPorts;
}

const clock = { nowMs: () => Date.now() };
const noLogs: PodLogSource = { lines: async () => undefined };
/** Nothing listens there. */
const NOWHERE = { host: '127.0.0.1', port: 1, database: 'none' };

/** Starts the server with real HTTP on a free port; with `database` on a Postgres database of its own. */
export async function startServerUnderTest(options: ServerTestOptions = {}): Promise<ServerUnderTest> {
  const database = options.database === false ? undefined : await postgresTemplate();
  const store = createStore({ connection: database?.connection ?? NOWHERE, clock });
  const folder = await mkdtemp(join(tmpdir(), 'argosy-server-'));
  const queue = new MemoryJobQueue();
  const usual: ServerPorts = {
    store,
    resources: openResources(store, clock),
    queue,
    artifacts: createArtifactDrivers({ clock, filesystem: { rootFolder: folder } }),
    podLogs: options.podLogs ?? noLogs,
    queueBoard: options.queueBoard,
    clock,
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (message, fields) => process.stderr.write(`${message} ${String(fields?.['error'])}\n`),
    },
    config: loadConfig(serverSchema, { PORT: '0', ...options.environment }),
  };
  const ports = options.adjusted?.(usual) ?? usual;
  const server = await startServer(ports);
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    ports,
    store,
    queue,
    request: (method, path, body, headers) => requestJson(`${url}${path}`, { method, body, headers }),
    close: async () => {
      await server.close();
      queue.close();
      await store.close();
      await database?.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function requestJson(
  url: string,
  { method, body, headers }: { method: string; body: unknown; headers: Record<string, string> | undefined },
): Promise<{ status: number; body: never }> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as never };
}
