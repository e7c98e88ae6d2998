import type { Workflow } from '#libs/workflow-spec';
import { seededRandom } from '#libs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet, NAMESPACE, whyNot } from '../harness/fleet.js';
import { patiently } from '../harness/patiently.js';
import { argosy } from '../harness/program.js';
import { FAULTS } from './faults.js';
import { progressSince, runningWorkflows, type Stall } from './progress.js';
import { ALL_SHAPES, outcomeOf, type Shape, workflowOf } from './workflows.js';

const WORKFLOWS = 50;
/** Running before the first fault; the others come with the faults. */
const FIRST_WAVE = 14;
const PROGRESS_BOUND_MS = 15_000;
const PROGRESS_LIMIT_MS = 60_000;
const END_LIMIT_MS = 150_000;
const LONGEST_WAIT_BEFORE_MS = 1_500;

const seed = Number(process.env['ARGOSY_E2E_SEED'] ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const reason = await whyNot();

const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, key: random() }))
    .sort((left, right) => left.key - right.key)
    .map(({ item }) => item);

const pause = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

describe.skipIf(reason !== undefined)(
  `an installation to which things happen (seed ${seed})${reason ? ` (${reason})` : ''}`,
  () => {
    let fleet: Fleet;
    const submitted = new Map<string, Shape>();
    const expected = new Map<Shape, ReturnType<typeof outcomeOf>>();

    beforeAll(async () => {
      fleet = await Fleet.prepare();
      await fleet.start();
    });
    afterAll(async () => {
      await fleet?.tearDown();
    });

    const readAll = async (): Promise<Map<string, Workflow>> => {
      const found = new Map<string, Workflow>();
      for (const name of submitted.keys()) found.set(name, await fleet.api.get(name));
      return found;
    };

    /** Submits until the server says yes or that it is there already: a client that lost the answer asks again. */
    const submit = async (shape: Shape, name: string): Promise<void> => {
      submitted.set(name, shape);
      const workflow = workflowOf(shape, name, fleet.journal.port);
      await patiently(
        () =>
          fleet.api.create(workflow).then(
            () => true,
            (error: Error) => /already exists/.test(error.message),
          ),
        () => `workflow ${name} is accepted`,
        PROGRESS_LIMIT_MS,
      );
    };

    const allEnded = (limitMs: number): Promise<void> => {
      let open: unknown[] = [];
      return patiently(
        async () => {
          const states =
            'SELECT w.name, s.phase, s.version FROM workflows w JOIN workflow_state s USING (uid) WHERE NOT s.completed';
          open = await fleet.query(states).catch((error: Error) => [error.message]);
          return open.length === 0;
        },
        () => `all workflows end; open: ${JSON.stringify(open)}`,
        limitMs,
      );
    };

    it('runs each shape once undisturbed: that is how the others must end', async () => {
      await Promise.all(ALL_SHAPES.map((shape) => submit(shape, `calm-${shape}`)));
      await allEnded(END_LIMIT_MS);
      for (const [name, workflow] of await readAll()) expected.set(submitted.get(name) as Shape, outcomeOf(workflow));
      expect(Object.fromEntries([...expected].map(([shape, { phase }]) => [shape, phase]))).toEqual({
        quick: 'Succeeded',
        kept: 'Succeeded',
        chain: 'Succeeded',
        'fan-out': 'Succeeded',
        retries: 'Succeeded',
        exhausted: 'Failed',
        artifacts: 'Succeeded',
      });
      submitted.clear();
    });

    it('loses nothing and repeats nothing, and goes on within 15 s of each fault', async () => {
      const shapes = Array.from({ length: WORKFLOWS }, (_, index) => ALL_SHAPES[index % ALL_SHAPES.length] as Shape);
      const names = shapes.map((shape, index) => [shape, `w${index}-${shape}`] as const);
      const next = async (count: number): Promise<void> => {
        await Promise.all(names.splice(0, count).map(([shape, name]) => submit(shape, name)));
      };
      await next(FIRST_WAVE);
      const faults = shuffled(FAULTS);
      const stalls = new Map<string, Stall>();
      for (const [index, fault] of faults.entries()) {
        await pause(random() * LONGEST_WAIT_BEFORE_MS);
        const running = await runningWorkflows(fleet);
        const wave = [next(Math.ceil(names.length / (faults.length - index)))];
        const sinceMs = await fault.strike(fleet);
        // artifact-gc hears only of workflows with artifacts: none of those that still run need have any.
        if (fault.workers.includes('artifact-gc')) wave.push(submit('kept', `after${index}-kept`));
        await Promise.all(wave);
        const stall = await progressSince(fleet, {
          workers: fault.workers,
          sinceMs,
          running,
          limitMs: PROGRESS_LIMIT_MS,
        });
        stalls.set(fault.name, stall);
        console.log(
          `${fault.name}: ${running.length} workflows ran; progress after ${stall.firstMs} ms, of all after ${stall.everyMs} ms`,
        );
      }
      await allEnded(END_LIMIT_MS);
      const longest = [...stalls].reduce((worst, stall) => (stall[1].firstMs > worst[1].firstMs ? stall : worst));
      console.log(
        `survived ${stalls.size} faults (seed ${seed}); longest time to progress ${longest[1].firstMs} ms (${longest[0]}); ${fleet.journal.total} steps`,
      );
      expect(names).toEqual([]);
      expect(fleet.unexpectedEnds()).toEqual([]);
      expect(Object.fromEntries([...stalls].filter(([, { firstMs }]) => firstMs > PROGRESS_BOUND_MS))).toEqual({});
    });

    it('has ended every workflow as without faults', async () => {
      for (const [name, workflow] of await readAll()) {
        expect({ name, ...outcomeOf(workflow) }).toEqual({ name, ...expected.get(submitted.get(name) as Shape) });
      }
    });

    it('has run every step exactly once per attempt', async () => {
      const attempts: string[] = [];
      for await (const { metadata } of fleet.api.list({})) {
        const { status } = await fleet.api.get(metadata.name ?? '');
        for (const node of Object.values(status?.nodes ?? {})) if (node.type === 'Pod') attempts.push(podOf(node.id ?? ''));
      }
      const told = [...fleet.journal.lines].map(([podName, count]) => [podOf(podName), count] as const);
      expect(told.filter(([, count]) => count !== 1)).toEqual([]);
      expect(told.map(([pod]) => pod).sort()).toEqual(attempts.sort());
    });

    it('leaves nothing to be done and no row that contradicts another', async () => {
      let left: unknown;
      await patiently(
        async () => {
          left = await fleet.query(`
          SELECT 'handoff ' || queue || ' ' || workflow AS what FROM handoffs UNION ALL
          SELECT 'inbox ' || workflow FROM workflow_inbox UNION ALL
          SELECT 'pod ' || name FROM pods p LEFT JOIN pod_status st USING (workflow, node_id, incarnation)
            WHERE p.desired = 'run' AND coalesce(st.phase_rank, 0) < 3`);
          return (left as unknown[]).length === 0;
        },
        () => `nothing is left to be done: ${JSON.stringify(left)}`,
        PROGRESS_LIMIT_MS,
      );
      const { exitCode, stdout, stderr } = await argosy(['fsck', '--grace', '0s', '-o', 'json'], {
        DATABASE_URL: fleet.postgres.url,
      });
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toMatchObject({ findings: [] });
      expect(exitCode).toBe(0);
    });

    it('reports a pod whose init was killed as lost, and never starts it again', async () => {
      const workflow = workflowOf('quick', 'lost', fleet.journal.port);
      const [main] = workflow.spec.templates ?? [];
      Object.assign(main ?? {}, {
        steps: [[{ name: 'only', template: 'step', arguments: { parameters: [{ name: 'seconds', value: '60' }] } }]],
      });
      const before = fleet.journal.total;
      await fleet.api.create(workflow);
      await patiently(
        async () => fleet.journal.total === before + 1,
        () => 'the step runs',
        PROGRESS_LIMIT_MS,
      );
      const inits = [...(await fleet.podInits()).values()];
      expect(inits).toHaveLength(1);
      process.kill(inits[0] as number, 'SIGKILL');
      await allEnded(PROGRESS_LIMIT_MS);
      const ended = await fleet.api.get('lost');
      const pod = Object.values(ended.status?.nodes ?? {}).find(({ type }) => type === 'Pod');
      expect(pod).toMatchObject({ phase: 'Error', message: expect.stringContaining('lost') as string });
      expect(fleet.journal.total).toBe(before + 1);
      const rows = await fleet.query<{ incarnation: number }>(
        `SELECT st.incarnation FROM pod_status st JOIN workflows w ON w.uid = st.workflow WHERE w.namespace = $1 AND w.name = 'lost'`,
        [NAMESPACE],
      );
      expect(rows.length).toBeLessThanOrEqual(1);
    });
  },
);

/** The part that a pod's name and its node's id have in common: both end in the hash of the node's name. */
const podOf = (name: string): string => `${/^([a-z]+(?:\d+)?)-/.exec(name)?.[1]} ${/(\d+)$/.exec(name)?.[1]}`;
