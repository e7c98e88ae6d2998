import { readFileSync } from 'node:fs';
import type { ApiObject } from '#libs/kubernetes';
import { seededRandom } from '#libs/testing';
import { FinalizerName, LabelName, type NodeStatus, type Workflow } from '#libs/workflow-spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRAM_NAMES } from '../../harness/fleet.js';
import { patiently } from '../../harness/patiently.js';
import { argosy } from '../../harness/program.js';
import { type Fault, killed } from '../faults.js';
import { outcomeOf } from '../workflows.js';
import { apiFaults, clusterFaults, deletePod, drained, kubeletRestart, livePods } from './cluster-disasters.js';
import { ClusterCourse } from './cluster-course.js';
import { clusterFleet } from './cluster-fleet.js';
import { type Shape, SHAPES_BY_THEMSELVES, SHAPES_CUT_OFF, SHAPES_WITHOUT_PODS } from './cluster-workflows.js';

const LIMIT_MS = 90_000;
const LONGEST_WAIT_BEFORE_MS = 1_500;
/** How often each fault strikes; the order is another one each time. */
const ROUNDS = Number(process.env['ARGOSY_CLUSTER_FAULT_ROUNDS'] ?? 1);
/** Within this time pods of a workflow are being started. */
const LONGEST_START_MS = 4_000;
const KUBELET_ROUNDS = 3 * ROUNDS;
/** The program was in the second step of its start; or its executor was, which the kubelet follows by the program. */
const MAY_HAVE_RUN =
  /^main: StartError \(exit code 128\): failed to start containerd task|^wait: the executor ended without a report/;
const ROUND_LIMIT_MS = 600_000;
/** Of one program, over the whole course: garbage that waits for its collection is not told apart from what is held. */
const MOST_GROWTH_BYTES = 128 * 1024 * 1024;

const seed = Number(process.env['ARGOSY_E2E_SEED'] ?? Date.now() % 1_000_000);
const isWanted = process.env['ARGOSY_CLUSTER_FAULTS'] !== undefined;
const started = isWanted
  ? await clusterFleet('faults')
  : { skipped: 'skipped: five minutes long; ARGOSY_CLUSTER_FAULTS=1 runs it' };

if ('skipped' in started) {
  describe('a fleet on a cluster to which things happen', () => {
    it.skip(started.skipped, () => undefined);
  });
} else {
  const stack = started;
  const { fleet, cluster, namespace, own, proxy } = stack;
  const random = seededRandom(seed);
  const course = new ClusterCourse(stack, random);
  const shapes: readonly Shape[] = SHAPES_BY_THEMSELVES.filter((shape) => shape !== 'artifacts' || stack.s3 !== undefined);
  const expected = new Map<Shape, ReturnType<typeof outcomeOf>>();
  const foreign = own === undefined ? ' (skipped: a cluster of KUBECONFIG is not hurt)' : '';
  let nextShape = 0;
  const next = (): Shape => shapes[nextShape++ % shapes.length] as Shape;

  /** Each fault at a moment of its own, in another order each time; after each, `lift` and what else is to be done before the next. */
  const rounds = async (faults: readonly Fault[], lift: () => Promise<void> = () => Promise.resolve()): Promise<void> => {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const fault of shuffled(faults)) {
        const pair = fault.workers.includes('artifact-gc') ? (['quick', 'artifacts'] as const) : ([next(), next()] as const);
        await course.survive(fault, pair, LONGEST_WAIT_BEFORE_MS);
        await lift();
      }
    }
    await course.ended();
    expect(fleet.unexpectedEnds()).toEqual([]);
  };
  /** Without an object store there are no artifacts to be collected. */
  const withoutStore = (fault: Fault): Fault =>
    stack.s3 === undefined ? { ...fault, workers: fault.workers.filter((worker) => worker !== 'artifact-gc') } : fault;
  const shuffled = <Item>(items: readonly Item[]): Item[] =>
    items
      .map((item) => ({ item, key: random() }))
      .sort((left, right) => left.key - right.key)
      .map(({ item }) => item);

  describe(`a fleet on a cluster to which things happen (seed ${seed})`, () => {
    beforeAll(async () => {
      await fleet.start();
    });
    afterAll(() => stack.stop());

    it('runs each shape once undisturbed: that is how the others must end', async () => {
      await Promise.all(shapes.map((shape) => course.submit(shape, `calm-${shape}`)));
      await course.ended();
      for (const shape of shapes) expected.set(shape, outcomeOf(await course.get(`calm-${shape}`)));
      expect(Object.fromEntries([...expected].map(([shape, { phase }]) => [shape, phase]))).toEqual(
        Object.fromEntries(shapes.map((shape) => [shape, shape === 'exhausted' ? 'Failed' : 'Succeeded'])),
      );
    });

    it('goes on after the death of each program', { timeout: ROUNDS * ROUND_LIMIT_MS }, async () => {
      await rounds([
        killed(['scheduler-a']),
        killed(['scheduler-b', 'pod-manager-b']),
        killed(['pod-manager-a', 'pod-manager-b']),
        withoutStore(killed(['server', 'offloader', 'archiver', 'artifact-gc'])),
        { ...killed(PROGRAM_NAMES, 'all programs at once'), workers: ['scheduler', 'pod-manager'] },
      ]);
    });

    const trouble = 'goes on while the API server is slow, refuses, forgets what was, loses answers or cannot be reached';
    it(trouble, { timeout: ROUNDS * ROUND_LIMIT_MS }, async () => {
      const before = proxy.counts.expired;
      await rounds(apiFaults(stack), async () => {
        const sinceMs = Date.now();
        await course.ended();
        console.log(`workflows that ran wholly under it have ended ${Date.now() - sinceMs} ms later`);
        proxy.make();
      });
      expect(proxy.counts.refused, 'answers with 429').toBeGreaterThan(0);
      expect(proxy.counts.lost, 'lost answers').toBeGreaterThan(0);
      expect(proxy.counts.expired, 'answers with 410').toBeGreaterThan(before);
      memory.before = residentBytes();
    });

    it.skipIf(own === undefined)(
      `goes on after the API server stood still or was away${foreign}`,
      { timeout: ROUNDS * ROUND_LIMIT_MS },
      async () => {
        const before = proxy.counts.expired;
        await rounds(clusterFaults(own as NonNullable<typeof own>));
        expect(proxy.counts.expired, 'answers with 410').toBeGreaterThan(before);
      },
    );

    it.skipIf(own === undefined)(`goes on after restarts of the kubelet${foreign}`, { timeout: ROUND_LIMIT_MS }, async () => {
      for (let round = 0; round < KUBELET_ROUNDS; round += 1)
        await course.survive(kubeletRestart(own as NonNullable<typeof own>), ['burst', 'burst'], LONGEST_START_MS);
      await course.ended();
      const bursts = [...course.submitted].filter(([, shape]) => shape === 'burst').map(([name]) => name);
      const workflows = await Promise.all(bursts.map((name) => course.get(name)));
      expect(workflows.map(({ status }) => status?.phase)).toEqual(bursts.map(() => 'Succeeded'));
      const nodes = workflows.flatMap(podNodes);
      const again = nodes.filter(({ failedPodRestarts = 0 }) => failedPodRestarts > 0);
      const cutOff = nodes.flatMap(({ phase, message = '' }) => (phase === 'Succeeded' ? [] : [message]));
      console.log(`starts that were cut off: ${again.length} made anew; what may have run: ${cutOff.join('; ') || 'none'}`);
      expect(cutOff.filter((message) => !MAY_HAVE_RUN.test(message))).toEqual([]);
    });

    it('ends the node of a pod that somebody deleted, and begins another attempt where there is one', async () => {
      const single = await course.submit('deleted', 'd1-deleted');
      const retried = await course.submit('evicted', 'd2-evicted');
      await told(single, 1);
      await told(retried, 3);
      const [pod = ''] = await livePods(stack, single);
      const attempts = await livePods(stack, retried);
      for (const name of [pod, ...attempts]) await deletePod(stack, name);
      await course.ended([single, retried]);
      expect(podNodes(await course.get(single))).toMatchObject([{ phase: 'Error', message: 'pod deleted' }]);
      const workflow = await course.get(retried);
      expect(workflow.status?.phase).toBe('Succeeded');
      expect(podNodes(workflow).filter(({ phase }) => phase !== 'Succeeded')).toMatchObject(
        [1, 2, 3].map(() => ({ phase: 'Error', message: 'pod deleted' })),
      );
    });

    it('begins other attempts of what ran on a node that is drained, once it takes pods again', async () => {
      const names = await Promise.all(['n1-evicted', 'n2-evicted'].map((name) => course.submit('evicted', name)));
      for (const name of names) await told(name, 3);
      const sinceMs = Date.now();
      const evicted = await drained(stack, names);
      await course.ended(names);
      console.log(`${evicted.length} pods evicted; all workflows ended after ${Date.now() - sinceMs} ms`);
      const workflows = await Promise.all(names.map((name) => course.get(name)));
      expect(workflows.map(({ status }) => status?.phase)).toEqual(['Succeeded', 'Succeeded']);
      const failed = workflows.flatMap(podNodes).filter(({ phase }) => phase !== 'Succeeded');
      expect(evicted).toHaveLength(6);
      expect(failed.map(({ phase, message }) => `${phase}: ${message}`)).toEqual(evicted.map(() => 'Error: pod deleted'));
    });

    it('has ended every workflow as without faults', async () => {
      for (const [name, shape] of course.submitted) {
        if (SHAPES_CUT_OFF.includes(shape)) continue;
        expect({ name, ...outcomeOf(await course.get(name)) }).toEqual({ name, ...expected.get(shape) });
      }
    });

    it('has run every step exactly once per attempt', async () => {
      const attempts = new Map<string, boolean>();
      for (const [name, shape] of course.submitted) {
        const mayBeSilent = SHAPES_CUT_OFF.includes(shape);
        for (const { id = '' } of podNodes(await course.get(name))) attempts.set(stepOf(id), mayBeSilent);
      }
      const lines = [...fleet.journal.lines].map(([pod, count]) => [stepOf(pod), count] as const);
      expect(lines.filter(([, count]) => count !== 1)).toEqual([]);
      const toldOf = new Set(lines.map(([step]) => step));
      expect(
        [...toldOf].filter((step) => !attempts.has(step)),
        'steps that no node knows',
      ).toEqual([]);
      const silent = [...attempts].filter(([step, mayBeSilent]) => !mayBeSilent && !toldOf.has(step));
      expect(silent, 'nodes whose step never ran').toEqual([]);
    });

    it('says in every object what the API says, and leaves no pod that is held or was to go', async () => {
      for (const name of course.submitted.keys()) {
        const said = outcomeOf(await course.get(name));
        let object: Workflow | undefined;
        await patiently(
          async () => {
            object = await cluster.api.get<Workflow>({ ...WORKFLOWS, namespace, name });
            return JSON.stringify(outcomeOf(object)) === JSON.stringify(said);
          },
          () => `the object of ${name} says ${JSON.stringify(object?.status)}, not ${JSON.stringify(said)}`,
          LIMIT_MS,
        );
        expect(object?.metadata.labels).toMatchObject({ [LabelName.completed]: 'true', [LabelName.phase]: said.phase });
      }
      let held: string[] = [];
      await patiently(
        async () => {
          const { items } = await cluster.api.list({ apiVersion: 'v1', plural: 'pods', namespace });
          held = items.filter((pod) => isHeld(pod) || isUnwanted(pod)).map(({ metadata }) => metadata.name);
          return held.length === 0;
        },
        () => `pods are released, and gone where they are not wanted: ${held.join(', ')}`,
        LIMIT_MS,
      );
    });

    it('leaves no row that contradicts another', async () => {
      const left = 'SELECT queue, workflow FROM handoffs UNION ALL SELECT kind, workflow FROM workflow_inbox';
      await patiently(
        async () => (await fleet.query(left)).length === 0,
        () => 'nothing is left to be done',
        LIMIT_MS,
      );
      const { exitCode, stdout, stderr } = await argosy(['fsck', '--grace', '0s', '-o', 'json'], {
        DATABASE_URL: fleet.postgres.url,
      });
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toMatchObject({ findings: [] });
      expect(exitCode).toBe(0);
    });

    it('holds no more memory than before', () => {
      const grown = [...residentBytes()].map(([name, bytes]) => [name, bytes - (memory.before.get(name) ?? bytes)] as const);
      console.log(`memory: ${grown.map(([name, bytes]) => `${name} ${Math.round(bytes / 1024 / 1024)} MiB more`).join(', ')}`);
      console.log(
        `${course.submitted.size} workflows, ${fleet.journal.total} steps, ${proxy.counts.requests} requests to the API server`,
      );
      expect(grown.filter(([, bytes]) => bytes > MOST_GROWTH_BYTES)).toEqual([]);
    });
  });

  /** Its workflow wanted none of its pods to stay. */
  const isUnwanted = ({ metadata: { labels = {} } }: ApiObject): boolean => {
    const shape = course.submitted.get(labels[LabelName.workflow] ?? '');
    return shape !== undefined && SHAPES_WITHOUT_PODS.includes(shape);
  };
  const told = (workflow: string, count: number): Promise<void> =>
    patiently(
      async () =>
        Promise.resolve([...fleet.journal.lines.keys()].filter((line) => line.startsWith(`${workflow}-`)).length >= count),
      () => `${count} steps of ${workflow} run`,
      LIMIT_MS,
    );
  const residentBytes = (): Map<string, number> =>
    new Map(PROGRAM_NAMES.map((name) => [name, residentOf(fleet.programs[name].pid ?? 0)]));
  const memory = { before: new Map<string, number>() };
}

const WORKFLOWS = { apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows' } as const;

const podNodes = ({ status }: Workflow): NodeStatus[] => Object.values(status?.nodes ?? {}).filter(({ type }) => type === 'Pod');

/** What the name of a pod and the id of its node have in common: the workflow's first word and the hash at the end. */
const stepOf = (name: string): string => name.replace(/^(\w+)-.*?(\d+)$/, '$1 $2');

const isHeld = ({ metadata: { finalizers = [], labels = {} } }: ApiObject): boolean =>
  finalizers.includes(FinalizerName.podStatus) || labels[LabelName.completed] !== 'true';

/** Resident memory of a process. */
const residentOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
