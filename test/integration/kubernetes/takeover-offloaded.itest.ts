import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shareArgoDatabase } from '#libs/program';
import { fixedControllerSettings, KubernetesResourceStore } from '#libs/resources';
import { createStore, OffloadTable, type StoreConnection } from '#libs/store';
import {
  eventually,
  freePorts,
  kubernetesCluster,
  postgresTemplate,
  quietLogger,
  type TestCluster,
  type TestDatabase,
} from '#libs/testing';
import { nodeId, parseControllerConfig, type Workflow } from '#libs/workflow-spec';
import { chainHalfway, finished, type LeftObject } from './argo-objects.js';
import type { Persistence } from './cluster-stack.js';
import { hasEnded, PlayedCluster, UNSCHEDULED } from './played-cluster.js';

const found = await kubernetesCluster({ nodes: false });
const clock = { nowMs: () => Date.now() };
const CLUSTER_NAME = 'blue';
const VERSION = 'fnv:7';

/** The way to a database, which can be shut. */
class Door {
  private server: Server | undefined;
  private readonly open = new Set<Socket>();

  constructor(
    readonly port: number,
    private readonly connection: StoreConnection,
  ) {}

  unlock(): Promise<void> {
    this.server = createServer((client) => {
      const there = this.reach();
      for (const socket of [client, there]) {
        this.open.add(socket);
        socket.on('close', () => this.open.delete(socket));
        socket.on('error', () => [client, there].forEach((each) => each.destroy()));
      }
      client.pipe(there).pipe(client);
    });
    return new Promise((resolve) => this.server?.listen(this.port, '127.0.0.1', resolve));
  }

  lock(): void {
    this.server?.close();
    for (const socket of this.open) socket.destroy();
  }

  private reach(): Socket {
    const { connectionString, host = '127.0.0.1', port = 5432 } = this.connection;
    if (connectionString !== undefined)
      return connect(Number(new URL(connectionString).port || 5432), new URL(connectionString).hostname);
    return host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  }
}

/** Name, account and password of a database of the tests. */
const accountOf = ({ connectionString, database = '', user = '', password = 'none' }: StoreConnection) => {
  if (connectionString === undefined) return { database, user, password };
  const url = new URL(connectionString);
  return { database: url.pathname.slice(1), user: url.username, password: decodeURIComponent(url.password) };
};

describe.skipIf('skipped' in found)(
  `workflows whose nodes Argo has put into a database of its own ${'skipped' in found ? `(${found.skipped})` : ''}`,
  () => {
    let played: PlayedCluster;
    let elsewhere: TestDatabase;
    let door: Door;
    let persistence: Persistence & { close(): Promise<void> };

    const persist = (): typeof persistence => {
      const { database } = accountOf(elsewhere.connection);
      const secret = (key: string) => ({ name: 'argo-postgres', key });
      const postgresql = {
        ...{ host: '127.0.0.1', port: door.port, database, tableName: 'argo_workflows' },
        ...{ userNameSecret: secret('username'), passwordSecret: secret('password') },
      };
      const text = JSON.stringify({ nodeStatusOffLoad: true, clusterName: CLUSTER_NAME, archive: true, postgresql });
      const controllerConfig = fixedControllerSettings(parseControllerConfig({ persistence: text }));
      const resources = new KubernetesResourceStore({
        api: played.accounts.api('scheduler'),
        managedNamespace: played.namespace,
      });
      const shared = shareArgoDatabase(
        { archiveDatabaseUrl: undefined, controllerNamespace: played.namespace },
        { controllerConfig, resources, clock, logger: quietLogger },
      );
      return { controllerConfig, argoDatabase: shared.current, close: () => shared.close() };
    };

    /** Makes the object without its nodes, and the row with them in Argo's database. */
    const leaveOffloaded = async ({ workflow, pods }: LeftObject): Promise<Workflow> => {
      const { nodes, ...status } = workflow.status ?? {};
      const made = await played.leave({
        workflow: { ...workflow, status: { ...status, offloadNodeStatusVersion: VERSION } },
        pods,
      });
      const store = createStore({ connection: elsewhere.connection, clock });
      const { uid = '' } = made.metadata;
      const row = { uid, version: VERSION, namespace: played.namespace, nodes: JSON.stringify(nodes), nowMs: clock.nowMs() };
      const target = { dialect: 'postgres' as const, run: store.database.run.bind(store.database) };
      await new OffloadTable(target, { clusterName: CLUSTER_NAME }).save(row);
      await store.close();
      return made as unknown as Workflow;
    };
    const phasesOf = ({ status }: Workflow): Record<string, string> =>
      Object.fromEntries(Object.values(status?.nodes ?? {}).map(({ displayName = '', phase = '' }) => [displayName, phase]));
    const shown = async (name: string): Promise<Workflow> => {
      const answer = await fetch(`${played.stack?.url}/api/v1/workflows/${played.namespace}/${name}`);
      return (await answer.json()) as Workflow;
    };

    beforeAll(async () => {
      played = await PlayedCluster.prepare(found as TestCluster, 'offloaded');
      elsewhere = await postgresTemplate();
      const [port = 0] = await freePorts(1);
      door = new Door(port, elsewhere.connection);
      const { user, password } = accountOf(elsewhere.connection);
      await played.cluster.kubectl([
        ...['-n', played.namespace, 'create', 'secret', 'generic', 'argo-postgres'],
        ...[`--from-literal=username=${user}`, `--from-literal=password=${password}`],
      ]);
      persistence = persist();
    });
    afterAll(async () => {
      await played.stop();
      await persistence.close();
      door.lock();
      await played.release();
      await elsewhere.drop();
    });

    it('wait while that is away, hold nobody else up, and come to their ends when it is back, nothing of them twice', async () => {
      const { kubelet } = played;
      kubelet.held.add('running[1].b');
      await leaveOffloaded(chainHalfway('running'));
      await leaveOffloaded(finished('ended', 'Archived'));
      const before = await played.podsByNode('running');
      kubelet.start();
      const { store } = await played.start(persistence);
      const plain = { name: 'main', container: { image: 'sim', command: ['sim'], args: ['result=x'] } };
      await played.leave({
        workflow: {
          ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { name: 'plain' } },
          spec: { entrypoint: 'main', schedulerName: UNSCHEDULED, templates: [plain] },
        },
        pods: [],
      });
      expect((await played.until('plain')).status?.phase).toBe('Succeeded');
      await eventually(async () => (await played.eventsOf('running')).length > 0, 'it is said why the workflow waits');
      expect(await played.eventsOf('running')).toEqual([
        expect.stringMatching(/^WorkflowTakeoverWaits: the workflow goes on when its offloaded nodes can be read: database: /),
      ]);
      kubelet.held.clear();
      await eventually(async () => {
        const { items } = await played.cluster.api.list({ apiVersion: 'v1', plural: 'pods', namespace: played.namespace });
        return items.every((pod) => (pod['status'] as { phase?: string }).phase === 'Succeeded');
      }, 'the pod of the waiting workflow has ended');
      const waiting = await played.read('running');
      expect([waiting.status?.phase, waiting.status?.offloadNodeStatusVersion]).toEqual(['Running', VERSION]);
      expect((await store.workflows.clusterObjects({ instanceId: '', limit: 10 })).map(({ name }) => name)).toEqual(['plain']);

      await door.unlock();
      const done = await played.until('running');
      expect(done.status).toMatchObject({ phase: 'Succeeded', progress: '3/3' });
      const nodes = phasesOf(await shown('running'));
      expect(nodes).toMatchObject({ a: 'Succeeded', b: 'Succeeded', c: 'Succeeded' });
      const after = await played.podsByNode('running');
      expect(Object.keys(after)).toHaveLength(2);
      const b = nodeId('running', 'running[1].b');
      expect(after[b]).toEqual(before[b]);
      for (const uids of Object.values(after)) expect(uids).toHaveLength(1);
      await eventually(async () => (await shown('ended')).status?.phase === 'Succeeded', 'the ended one is shown');
      expect(phasesOf(await shown('ended'))).toEqual({ ended: 'Succeeded' });
      expect(await played.podsByNode('ended')).toEqual({});
    }, 120_000);

    it('wait in the same way when that goes away again, and go on without a new start of ours', async () => {
      const { kubelet } = played;
      kubelet.held.add('later[1].b');
      door.lock();
      await leaveOffloaded(chainHalfway('later'));
      await eventually(async () => (await played.eventsOf('later')).length > 0, 'it is said why the workflow waits');
      await door.unlock();
      kubelet.held.clear();
      const done = await played.until('later', hasEnded);
      expect(done.status).toMatchObject({ phase: 'Succeeded', progress: '3/3' });
      for (const uids of Object.values(await played.podsByNode('later'))) expect(uids).toHaveLength(1);
    }, 120_000);
  },
);
