import type { Workflow } from '#libs/workflow-spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Fleet, NAMESPACE, type ProgramName, whyNot } from '../harness/fleet.js';
import { patiently } from '../harness/patiently.js';
import { argosy } from '../harness/program.js';
import { redisCommand } from '../harness/redis-commands.js';

const WORKFLOWS = 30;
const LIMITS: Readonly<Record<string, number>> = { mutex: 1, semaphore: 3 };
const END_LIMIT_MS = 240_000;
const BETWEEN_FAULTS_MS = 3_000;

const MUTEX = '{ name: only }';
const SEMAPHORE = '{ configMapKeyRef: { name: limits, key: three } }';

/** A step tells the journal when it is inside and when it is about to leave; a line is there before the step goes on. */
const step = (name: string, held: readonly string[], synchronization: string, journalPort: number): string => `
    - name: ${name}
      ${synchronization}
      container:
        image: busybox
        command: [bash, -c]
        args:
          - |
            tell() { exec 3<>/dev/tcp/127.0.0.1/${journalPort} && echo "$* {{pod.name}}" >&3 && read -r answer <&3 && [ "$answer" = ok ] || exit 99; }
            ${held.map((lock) => `tell in ${lock}`).join('; ')}
            sleep ${held.includes('mutex') ? 0.6 : 2}
            ${held.map((lock) => `tell out ${lock}`).join('; ')}`;

/** One after the other, over the whole workflow, or both at once. */
const SHAPES: readonly ((journalPort: number) => string)[] = [
  (port) => `
  templates:
    - name: main
      steps: [[{ name: first, template: first }], [{ name: second, template: second }]]
${step('first', ['mutex'], `synchronization: { mutexes: [${MUTEX}] }`, port)}
${step('second', ['semaphore'], `synchronization: { semaphores: [${SEMAPHORE}] }`, port)}`,
  (port) => `
  synchronization: { semaphores: [${SEMAPHORE}] }
  templates:
    - name: main
      steps: [[{ name: inner, template: inner }]]
${step('inner', ['semaphore', 'mutex'], `synchronization: { mutexes: [${MUTEX}] }`, port)}`,
  (port) => `
  templates:
${step('main', ['semaphore', 'mutex'], `synchronization: { mutexes: [${MUTEX}], semaphores: [${SEMAPHORE}] }`, port)}`,
];

const workflowOf = (index: number, journalPort: number): Workflow =>
  parse(`
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: lock-${index} }
spec:
  entrypoint: main
  priority: ${index % 2}${SHAPES[index % SHAPES.length]?.(journalPort) ?? ''}`) as Workflow;

const pause = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

/** The most that were inside of each lock at a time, as the steps told it. */
const mostInside = (lines: readonly string[]): Record<string, number> => {
  const inside = new Map<string, number>();
  const most = new Map<string, number>();
  for (const line of lines) {
    const [, way, lock = ''] = /^(in|out) (\S+) /.exec(line) ?? [];
    const count = (inside.get(lock) ?? 0) + (way === 'in' ? 1 : -1);
    inside.set(lock, count);
    most.set(lock, Math.max(most.get(lock) ?? 0, count));
  }
  return Object.fromEntries(most);
};

const reason = await whyNot();

describe.skipIf(reason !== undefined)(`locks in an installation to which things happen${reason ? ` (${reason})` : ''}`, () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.prepare();
    await fleet.start();
  });
  afterAll(async () => {
    await fleet?.tearDown();
  });

  const kill = async (...names: ProgramName[]): Promise<void> => {
    await Promise.all(names.map((name) => fleet.programs[name].kill()));
    for (const name of names) fleet.programs[name].start();
  };
  const faults: readonly [string, () => Promise<unknown>][] = [
    ['SIGKILL scheduler-a', () => kill('scheduler-a')],
    ['FLUSHALL', () => redisCommand(fleet.redis.url, 'FLUSHALL')],
    ['SIGKILL scheduler-b', () => kill('scheduler-b')],
    ['SIGKILL both schedulers', () => kill('scheduler-a', 'scheduler-b')],
    ['FLUSHALL again', () => redisCommand(fleet.redis.url, 'FLUSHALL')],
    [
      'SIGKILL Postgres',
      async () => {
        fleet.postgres.kill();
        await fleet.postgres.start();
      },
    ],
    ['SIGKILL both schedulers again', () => kill('scheduler-a', 'scheduler-b')],
  ];
  const openWorkflows = (): Promise<unknown[]> =>
    fleet
      .query(
        `SELECT w.name, s.phase, s.message FROM workflows w JOIN workflow_state s USING (uid) WHERE NOT s.completed ORDER BY w.name`,
      )
      .catch((error: Error) => [error.message]);

  it('never have one holder too many, and every workflow ends', async () => {
    const limit = ['--type', 'configmap', '--cm-name', 'limits', '--limit', String(LIMITS['semaphore'])];
    const made = await argosy(['sync', 'create', 'three', ...limit, '-n', NAMESPACE, '-s', fleet.serverAddress], {});
    expect(made).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Sync limit three created') as string });
    await Promise.all(Array.from({ length: WORKFLOWS }, (_, index) => fleet.api.create(workflowOf(index, fleet.journal.port))));
    for (const [name, strike] of faults) {
      await pause(BETWEEN_FAULTS_MS);
      const open = await openWorkflows();
      await strike();
      console.log(`${name}: ${open.length} of ${WORKFLOWS} workflows were open`);
    }
    let open: unknown[] = [];
    await patiently(
      async () => (open = await openWorkflows()).length === 0,
      () => `all workflows end; open: ${JSON.stringify(open)}`,
      END_LIMIT_MS,
    );
    for (const [lock, most] of Object.entries(mostInside(fleet.journal.order)))
      expect(most, `holders of the ${lock}`).toBeLessThanOrEqual(LIMITS[lock] ?? 0);
    expect([...fleet.journal.lines].filter(([, count]) => count !== 1)).toEqual([]);
    const phases = await fleet.query<{ phase: string }>('SELECT DISTINCT phase FROM workflow_state');
    expect(phases).toEqual([{ phase: 'Succeeded' }]);
    expect(fleet.unexpectedEnds()).toEqual([]);
  });

  it('leave no permit, no waiter and no row that contradicts another', async () => {
    expect(await fleet.query('SELECT name, workflow FROM locks UNION ALL SELECT name, workflow FROM lock_waiters')).toEqual([]);
    await patiently(
      async () => (await fleet.query('SELECT 1 FROM handoffs UNION ALL SELECT 1 FROM workflow_inbox')).length === 0,
      () => 'nothing is left to be done',
      60_000,
    );
    const { exitCode, stdout } = await argosy(['fsck', '--grace', '0s', '-o', 'json'], { DATABASE_URL: fleet.postgres.url });
    expect(JSON.parse(stdout)).toMatchObject({ findings: [] });
    expect(exitCode).toBe(0);
  });
});
