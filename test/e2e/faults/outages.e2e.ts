import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet, PROGRAM_NAMES, type ProgramName, whyNot } from '../harness/fleet.js';
import { patiently } from '../harness/patiently.js';
import { workflowOf } from './workflows.js';

const LIMIT_MS = 60_000;
const reason = await whyNot();

/** What each program says about itself; a source that is away is false. */
interface Expected {
  status: number;
  sources: Record<string, boolean>;
}

describe.skipIf(reason !== undefined)(`programs without what they need${reason ? ` (${reason})` : ''}`, () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.prepare();
  });
  afterAll(async () => {
    await fleet?.tearDown();
  });

  const everyProgramSays = async (expected: Expected): Promise<void> => {
    const told: Partial<Record<ProgramName, unknown>> = {};
    await patiently(
      async () => {
        const answers = await Promise.all(
          PROGRAM_NAMES.map(async (name) => [name, await fleet.programs[name].readiness()] as const),
        );
        Object.assign(told, Object.fromEntries(answers));
        return answers.every(([, answer]) => JSON.stringify(answer) === JSON.stringify(expected));
      },
      () => `every program says ${JSON.stringify(expected)}: ${JSON.stringify(told)}`,
      LIMIT_MS,
    );
    expect(fleet.unexpectedEnds()).toEqual([]);
  };

  const submit = (name: string): Promise<unknown> => fleet.api.create(workflowOf('quick', name, fleet.journal.port));

  const succeeds = async (name: string): Promise<void> => {
    await patiently(
      async () => (await fleet.api.get(name)).status?.phase === 'Succeeded',
      () => `${name} succeeds`,
      LIMIT_MS,
    );
  };

  it('start while Postgres and Redis are away, and say so', async () => {
    for (const program of Object.values(fleet.programs)) program.start();
    await everyProgramSays({ status: 503, sources: { database: false, queue: false } });
  });

  it('notice by themselves when each of them comes', async () => {
    await fleet.redis.start();
    await everyProgramSays({ status: 503, sources: { database: false, queue: true } });
    await fleet.postgres.start();
    await everyProgramSays({ status: 200, sources: { database: true, queue: true } });
    await submit('after-start');
    await succeeds('after-start');
  });

  it('stay up while Redis goes and comes, and then do what was submitted meanwhile', async () => {
    await fleet.redis.kill();
    await everyProgramSays({ status: 503, sources: { database: true, queue: false } });
    await submit('without-redis');
    await fleet.redis.start();
    await everyProgramSays({ status: 200, sources: { database: true, queue: true } });
    await succeeds('without-redis');
  });

  it('stay up while Postgres goes and comes; the server takes nothing that it cannot keep', async () => {
    await fleet.postgres.stop();
    await everyProgramSays({ status: 503, sources: { database: false, queue: true } });
    await expect(submit('without-postgres')).rejects.toMatchObject({ httpStatus: 503 });
    await fleet.postgres.start();
    await everyProgramSays({ status: 200, sources: { database: true, queue: true } });
    await submit('after-postgres');
    await succeeds('after-postgres');
  });

  it('share the work of one kind, and lose none of it with one of two', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `shared-${index}`);
    const pairs = ['scheduler-a', 'scheduler-b', 'pod-manager-a', 'pod-manager-b'] as const;
    const runsBefore = new Map(
      await Promise.all(pairs.map(async (name) => [name, await fleet.programs[name].jobRuns()] as const)),
    );
    await Promise.all(names.map((name) => fleet.api.create(workflowOf('retries', name, fleet.journal.port))));
    for (const name of pairs) {
      const worked = async (): Promise<boolean> => (await fleet.programs[name].jobRuns()) > (runsBefore.get(name) ?? 0);
      await patiently(worked, () => `${name} has its part of the work`, LIMIT_MS);
    }
    await fleet.programs['scheduler-a'].kill();
    await fleet.programs['pod-manager-a'].kill();
    const open = 'SELECT 1 FROM workflow_state WHERE NOT completed';
    await patiently(
      async () => (await fleet.query(open)).length === 0,
      () => 'all workflows end',
      LIMIT_MS,
    );
    const phases = await fleet.query<{ phase: string }>(
      `SELECT s.phase FROM workflows w JOIN workflow_state s USING (uid) WHERE w.name LIKE 'shared-%'`,
    );
    expect(phases.map(({ phase }) => phase)).toEqual(names.map(() => 'Succeeded'));
    expect([...fleet.journal.lines].filter(([, count]) => count !== 1)).toEqual([]);
  });

  it('end by themselves when they are told to', async () => {
    const ends = await Promise.all(
      PROGRAM_NAMES.filter((name) => fleet.programs[name].isRunning).map(async (name) => [
        name,
        await fleet.programs[name].stop(),
      ]),
    );
    expect(ends.filter(([, clean]) => clean !== true)).toEqual([]);
  });
});
