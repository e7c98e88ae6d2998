import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiObject } from '#libs/kubernetes';
import { eventually, kubernetesCluster, sharedFolder, sharedFolderHint, type TestCluster } from '#libs/testing';
import type { KubernetesObject, Workflow } from '#libs/workflow-spec';
import {
  claimUser,
  CLAIM_SPEC,
  containerSet,
  finished,
  lockHolder,
  lockWaiter,
  lockWanting,
  wholeWaiter,
} from './argo-objects.js';
import { hasEnded, PlayedCluster, UNSCHEDULED } from './played-cluster.js';

interface Midway {
  midway: { workflow: ApiObject; pods: ApiObject[]; taskResults: ApiObject[] };
  end: Workflow;
}
interface Comparison {
  normalise(workflow: unknown): unknown;
  differences(expected: unknown, actual: unknown): string[];
}

const found = await kubernetesCluster({ nodes: false });
const folder = sharedFolder('conformance', 'records', 'midway');
const comparison = sharedFolder('conformance', 'compare.mjs');

const WORKFLOWS = { apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows' } as const;
const PODS = { apiVersion: 'v1', plural: 'pods' } as const;
const LEASES = { apiVersion: 'coordination.k8s.io/v1', plural: 'leases' } as const;
const NODE_ID = 'workflows.argoproj.io/node-id';
const TABLES = [
  'workflows',
  'workflow_state',
  'workflow_nodes',
  'workflow_inbox',
  'pods',
  'pod_status',
  'record_marks',
  'handoffs',
];
const LIMIT_MS = 60_000;

type KeepNodes = (status: KubernetesObject) => KubernetesObject;
const whole: KeepNodes = (status) => status;
const compressed: KeepNodes = ({ nodes, ...status }) => ({
  ...status,
  compressedNodes: gzipSync(JSON.stringify(nodes)).toString('base64'),
});

describe.skipIf('skipped' in found)(`workflows that others have begun ${'skipped' in found ? `(${found.skipped})` : ''}`, () => {
  const cluster = found as TestCluster;
  let namespace = '';
  let played: PlayedCluster;

  const phaseOf = (displayName: string) => (workflow: Workflow) =>
    Object.values(workflow.status?.nodes ?? {}).find((node) => node.displayName === displayName)?.phase;

  /** Puts a snapshot into the cluster, under the UID that the cluster gives it. Gives what it ends as, with the same names. */
  const load = async (name: string, keep: KeepNodes = whole): Promise<Workflow> => {
    const text = readFileSync(join(folder ?? '', `${name}.json`), 'utf8').replaceAll(/(?<=["=])lab(?=")/g, namespace);
    const { midway } = JSON.parse(text) as Midway;
    const { labels = {}, annotations = {}, uid: formerUid = '' } = midway.workflow.metadata;
    const made = await cluster.api.create<ApiObject>(
      { ...WORKFLOWS, namespace },
      {
        ...midway.workflow,
        status: keep(midway.workflow['status'] as KubernetesObject),
        metadata: { name, namespace, labels, annotations },
        spec: { ...(midway.workflow['spec'] as KubernetesObject), schedulerName: UNSCHEDULED },
      },
    );
    const { midway: own, end } = JSON.parse(text.replaceAll(formerUid, made.metadata.uid ?? '')) as Midway;
    for (const pod of own.pods) await loadPod(pod);
    for (const { metadata, ...result } of own.taskResults) {
      const { name: nodeId, labels: marks = {} } = metadata;
      await cluster.api.create(
        { apiVersion: 'argoproj.io/v1alpha1', plural: 'workflowtaskresults', namespace },
        { ...result, metadata: { name: nodeId, labels: marks } },
      );
    }
    return end;
  };
  const loadPod = async ({ metadata, status, ...pod }: ApiObject): Promise<void> => {
    const { name, labels = {}, annotations = {}, ownerReferences = [] } = metadata;
    const { priority: _priority, preemptionPolicy: _policy, nodeName: _node, ...spec } = pod['spec'] as KubernetesObject;
    await cluster.api.create(
      { ...PODS, namespace },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels, annotations, ownerReferences },
        spec: { ...spec, schedulerName: UNSCHEDULED },
      },
    );
    await cluster.api.patch({ ...PODS, namespace, name, subresource: 'status' }, { status }, { type: 'merge' });
  };

  beforeAll(async () => {
    played = await PlayedCluster.prepare(cluster, 'takeover');
    namespace = played.namespace;
  });
  afterAll(() => played.release());

  it.skipIf(folder === undefined || comparison === undefined)(
    `come to the end that the real controller gave them, when it has let go (${sharedFolderHint('conformance')} if absent)`,
    async () => {
      const compare = (await import(pathToFileURL(comparison ?? '').href)) as Comparison;
      const names = readdirSync(folder ?? '')
        .map((file) => file.replace('.json', ''))
        .sort();
      const ends = new Map<string, Workflow>();
      let offloaded: unknown;
      const elsewhere: KeepNodes = ({ nodes, ...status }) => {
        offloaded = nodes;
        return { ...status, offloadNodeStatusVersion: 'fnv:7' };
      };
      const keeping = [compressed, elsewhere];
      for (const [at, name] of names.entries()) ends.set(name, await load(name, keeping[at]));
      const before = new Map<string, Record<string, string[]>>();
      for (const name of names) before.set(name, await played.podsByNode(name));
      const spec = {
        holderIdentity: 'argo-1',
        leaseDurationSeconds: 3600,
        renewTime: new Date().toISOString().replace('Z', '000Z'),
      };
      await cluster.api.create({ ...LEASES, namespace }, { metadata: { name: 'workflow-controller' }, spec });
      await played.start();
      const notices = (): Promise<string> =>
        cluster.kubectl([
          '-n',
          namespace,
          'get',
          'events',
          '-o',
          'jsonpath={range .items[*]}{.involvedObject.name} {.reason}{"\\n"}{end}',
        ]);
      const waiting = async (): Promise<number> =>
        (await notices()).split('\n').filter((line) => line.endsWith('WorkflowTakeoverWaits')).length;
      await eventually(async () => (await waiting()) === names.length, 'all wait for the controller', LIMIT_MS);
      expect(await played.stack!.store.workflows.clusterObjects({ instanceId: '', limit: 100 })).toEqual([]);

      const { uid = '' } = (await played.read(names[1] ?? '')).metadata;
      await played.stack!.store.database.run({
        text: `INSERT INTO argo_workflows (uid, namespace, clustername, version, nodes, updatedat) VALUES ($1, $2, 'default', 'fnv:7', $3, now())`,
        values: [uid, namespace, JSON.stringify(offloaded)],
      });
      await cluster.api.patch(
        { ...LEASES, namespace, name: 'workflow-controller' },
        { spec: { holderIdentity: '' } },
        { type: 'merge' },
      );
      played.kubelet.start();
      const wrong: string[] = [];
      for (const name of names) {
        const ended = await played.until(name, hasEnded);
        wrong.push(
          ...compare.differences(compare.normalise(ends.get(name)), compare.normalise(ended)).map((line) => `${name} ${line}`),
        );
        const after = await played.podsByNode(name);
        for (const [node, uids] of Object.entries(before.get(name) ?? {}))
          expect([name, node, after[node]]).toEqual([name, node, uids]);
        for (const [node, uids] of Object.entries(after)) expect([name, node, uids.length]).toEqual([name, node, 1]);
      }
      expect(wrong).toEqual([]);
    },
    240_000,
  );

  it('keep their locks and claims, go on in sets of containers, and are not begun again where they have ended', async () => {
    await played.stop();
    // That of the test before still plays: a pod that it meets ends at once, and its workflow holds nothing any more when it is taken over.
    for (const node of ['l-holder', 'l-whole[0].a']) played.kubelet.held.add(node);
    await cluster.kubectl(['-n', namespace, 'create', 'configmap', 'limits', '--from-literal=one=1']);
    const claims = { apiVersion: 'v1', plural: 'persistentvolumeclaims', namespace };
    const claim = { ...claims, name: 'l-whole-work' };
    const made = await cluster.api.create<ApiObject>(claims, {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: claim.name }, spec: CLAIM_SPEC },
    });
    // Who waits comes first in every list.
    for (const each of [
      ...[lockWanting('l-a-new'), lockWaiter('l-b-waiter', namespace), lockHolder('l-holder', namespace)],
      ...[wholeWaiter('l-c-waiter', namespace), claimUser('l-whole', namespace), containerSet('l-set')],
      ...[finished('l-done', 'Archived'), finished('l-unkept', 'Pending')],
      finished('l-expired', 'Archived', { ttlStrategy: { secondsAfterCompletion: 60 } }),
    ])
      await played.leave(each);
    played.kubelet.start();
    await played.start();
    const waiting = ['l-a-new', 'l-b-waiter', 'l-c-waiter'];
    const isOurs = ({ metadata }: Workflow): boolean => metadata.annotations?.['argosy.dev/record-version'] !== undefined;
    const waits = (workflow: Workflow): boolean => isOurs(workflow) && JSON.stringify(workflow.status).includes('Waiting for');
    for (const name of waiting) {
      const early = await played.until(name, (workflow) => waits(workflow) || hasEnded(workflow));
      const holder = (await played.read('l-holder')).status;
      expect(early.status?.phase, `${name} has to wait, for ${JSON.stringify(holder)}`).not.toBe('Succeeded');
    }
    expect((await played.until('l-set', hasEnded)).status?.phase).toBe('Succeeded');
    expect((await Promise.all(waiting.map((name) => played.podsOf(name)))).flat()).toEqual([]);
    expect(await holders()).toEqual(['l-holder ConfigMap/limits/one', 'l-holder Mutex/m', 'l-whole Mutex/whole']);

    played.kubelet.held.delete('l-whole[0].a');
    await played.until('l-whole', hasEnded);
    const [first, second] = await played.podsOf('l-whole');
    expect([first, second].map((pod) => JSON.stringify(pod?.['spec']).includes('"claimName":"l-whole-work"'))).toContain(true);
    played.kubelet.held.clear();
    for (const name of ['l-holder', ...waiting]) {
      expect([name, (await played.until(name, hasEnded)).status?.phase]).toEqual([name, 'Succeeded']);
      expect([name, (await played.podsOf(name)).length]).toEqual([name, 1]);
    }
    expect(await holders()).toEqual([]);
    await eventually(
      async () => {
        const now = await cluster.api.get<ApiObject>(claim).catch(() => undefined);
        if (now !== undefined) expect(now.metadata.uid).toBe(made.metadata.uid);
        return now === undefined;
      },
      'the claim is gone',
      LIMIT_MS,
    );
    await expectEnds();
  }, 120_000);

  const holders = async (): Promise<string[]> => {
    const text = `SELECT w.name || ' ' || replace(l.name, w.namespace || '/', '') AS held FROM locks l JOIN workflows w ON w.uid = l.workflow ORDER BY 1`;
    return (await played.stack!.store.database.run<{ held: string }>({ text })).map(({ held }) => held);
  };

  /** What had ended is there as before: listed, archived where that was still to be done, and gone where its time is over. */
  const expectEnds = async (): Promise<void> => {
    await played.until(
      'l-unkept',
      ({ metadata }) => metadata.labels?.['workflows.argoproj.io/workflow-archiving-status'] === 'Archived',
    );
    await eventually(
      async () => (await cluster.kubectl(['-n', namespace, 'get', 'wf', 'l-expired', '--ignore-not-found', '-o', 'name'])) === '',
      'the one whose time is over is gone',
      LIMIT_MS,
    );
    const names = async (path: string): Promise<string[]> => {
      const answer = await fetch(`${played.stack!.url}/api/v1/${path}`);
      const { items } = (await answer.json()) as { items: Workflow[] | null };
      return (items ?? [])
        .flatMap(({ metadata: { name = '' } }) => (/^l-(?:done|unkept|expired)$/.test(name) ? [name] : []))
        .sort();
    };
    expect(await names(`workflows/${namespace}`)).toEqual(['l-done', 'l-unkept']);
    expect(
      await names(`archived-workflows?listOptions.limit=100&listOptions.fieldSelector=metadata.namespace=${namespace}`),
    ).toEqual(['l-unkept']);
    for (const name of ['l-done', 'l-unkept']) {
      expect((await played.read(name)).status).toMatchObject({ phase: 'Succeeded', finishedAt: '2026-01-01T00:00:09Z' });
      expect(await played.podsOf(name)).toEqual([]);
    }
  };

  const chain = (name: string) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name },
    spec: {
      entrypoint: 'main',
      schedulerName: UNSCHEDULED,
      templates: [
        { name: 'main', steps: ['a', 'b', 'c'].map((step) => [{ name: step, template: 'say' }]) },
        { name: 'say', container: { image: 'sim', command: ['sim'], args: ['result=x'] } },
      ],
    },
  });

  it.each([
    ['an earlier state', 'earlier'],
    ['nothing', 'emptied'],
  ])(
    'of our own go on where their objects are, when the tables are put back to %s',
    async (_what, name) => {
      played.kubelet.held.add(`${name}[0].a`).add(`${name}[1].b`);
      played.kubelet.start();
      if (played.stack === undefined) await played.start();
      await cluster.api.create({ ...WORKFLOWS, namespace }, chain(name));
      await played.until(name, (workflow) => phaseOf('a')(workflow) === 'Pending');
      if (name === 'earlier')
        for (const table of TABLES)
          await played.stack!.store.database.run({ text: `CREATE TABLE kept_${table} AS SELECT * FROM ${table}` });
      played.kubelet.held.delete(`${name}[0].a`);
      await played.until(name, (workflow) => phaseOf('b')(workflow) === 'Pending');
      await eventually(async () => (await played.podsOf(name)).length === 2, 'the pod of b is there');
      const before = await played.podsByNode(name);
      for (const table of TABLES) await played.stack!.store.database.run({ text: `DELETE FROM ${table}` });
      if (name === 'earlier')
        for (const table of TABLES)
          await played.stack!.store.database.run({ text: `INSERT INTO ${table} SELECT * FROM kept_${table}` });
      await played.stop();
      // An ended pod that nobody keeps any more: looked at again it would fail the first step.
      const [first] = (await played.podsOf(name)).filter(
        ({ metadata }) => metadata.annotations?.['workflows.argoproj.io/node-name'] === `${name}[0].a`,
      );
      await cluster.api.delete({ ...PODS, namespace, name: first?.metadata.name ?? '' }, { gracePeriodSeconds: 0 });
      played.kubelet.held.clear();
      await played.start();
      const ended = await played.until(name, hasEnded);
      expect([ended.status?.phase, ended.status?.message]).toEqual(['Succeeded', undefined]);
      const after = await played.podsByNode(name);
      const a = first?.metadata.annotations?.[NODE_ID] ?? '';
      const [b = ''] = Object.keys(before).filter((node) => node !== a);
      expect([after[a], after[b]]).toEqual([undefined, before[b]]);
      expect(Object.keys(after)).toHaveLength(2);
    },
    120_000,
  );
});
