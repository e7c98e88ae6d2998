import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { argosy } from '../harness/program.js';
import { Fleet, NAMESPACE, type ProgramName, whyNot } from '../harness/fleet.js';
import { patiently } from '../harness/patiently.js';
import { StepGate } from '../harness/step-gate.js';
import { type HeldWorkflow, heldWorkflow, STEPS_OF_HELD } from './held-workflow.js';

/** How long Postgres is away each time; the whole walkthrough has 60 s. */
const OUTAGE_MS = 1_000 * Number(process.env['ARGOSY_OUTAGE_S'] ?? 4);
const LIMIT_MS = 60_000;
const TEST_LIMIT_MS = OUTAGE_MS + 3 * LIMIT_MS;
const EACH = 4;

const reason = await whyNot();
const pause = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

describe.skipIf(reason !== undefined)(
  `Postgres away for ${OUTAGE_MS / 1000} s while programs are restarted${reason ? ` (${reason})` : ''}`,
  () => {
    let fleet: Fleet;
    let gate: StepGate;
    const submitted: string[] = [];

    beforeAll(async () => {
      fleet = await Fleet.prepare();
      await fleet.start();
    });
    afterAll(async () => {
      await fleet?.tearDown();
    });
    beforeEach(async () => {
      gate = await StepGate.listen();
    });
    afterEach(async () => {
      await gate.close();
    });

    const named = (phase: string): string[] => Array.from({ length: EACH }, (_, index) => `${phase}-${index}`);
    const workflow = (name: string, rest: Partial<HeldWorkflow> = {}) =>
      heldWorkflow({ name, journalPort: fleet.journal.port, gatePort: String(gate.port), ...rest });

    /** A client that hears that the server cannot keep it, or nothing at all, asks again under the same key. */
    const submit = async (name: string, rest: Partial<HeldWorkflow> = {}): Promise<void> => {
      submitted.push(name);
      const body = JSON.stringify({ workflow: workflow(name, rest) });
      const headers = { 'content-type': 'application/json', 'idempotency-key': `submit-${name}` };
      let answer: unknown;
      await patiently(
        async () => {
          const url = `http://${fleet.serverAddress}/api/v1/workflows/${NAMESPACE}`;
          const response = await fetch(url, { method: 'POST', headers, body }).catch(() => undefined);
          answer = response?.status;
          return response?.ok ?? false;
        },
        () => `${name} is accepted; the last answer was ${String(answer)}`,
        OUTAGE_MS + LIMIT_MS,
      );
    };

    /** Postgres goes, `meanwhile` happens, the programs are killed and come up without it, and it is back after the whole time. */
    const outage = async (restarted: readonly ProgramName[], meanwhile: () => Promise<void> | void = () => undefined) => {
      await fleet.postgres.stop();
      const backAtMs = performance.now() + OUTAGE_MS;
      await Promise.all(restarted.map((name) => fleet.programs[name].kill()));
      for (const name of restarted) fleet.programs[name].start();
      await meanwhile();
      await comesUpWithout(restarted);
      await pause(Math.max(0, backAtMs - performance.now()));
      await fleet.postgres.start();
    };

    const comesUpWithout = (names: readonly ProgramName[]): Promise<void> =>
      patiently(
        async () => {
          const answers = await Promise.all(names.map((name) => fleet.programs[name].readiness()));
          return answers.every(({ status, sources }) => status === 503 && sources['database'] === false);
        },
        () => `${names.join(', ')} come up and say that the database is away`,
        LIMIT_MS,
      );

    const untilNone = async (what: string, sql: string, values: unknown[] = []): Promise<void> => {
      let rows: unknown[] = [];
      await patiently(
        async () => (rows = await fleet.query(sql, values).catch((error: Error) => [error.message])).length === 0,
        () => `${what}: ${JSON.stringify(rows)}`,
        LIMIT_MS,
      );
    };
    const allEnded = (): Promise<void> =>
      untilNone(
        'all end',
        `SELECT n.name, s.phase FROM unnest($1::text[]) AS n (name)
         LEFT JOIN (workflows w JOIN workflow_state s ON s.uid = w.uid) ON w.name = n.name WHERE s.completed IS NOT TRUE`,
        [submitted],
      );
    const allHeld = (names: readonly string[]): Promise<void> =>
      patiently(
        async () => names.every((name) => fleet.journal.lines.has(`${name}/held`)),
        () => `all are held: ${[...fleet.journal.lines.keys()].join(' ')}`,
        LIMIT_MS,
      );
    const nothingHandedOver = (queue: string): Promise<void> =>
      untilNone(`nothing waits in ${queue}`, 'SELECT workflow FROM handoffs WHERE queue = $1', [queue]);

    /** Nothing failed, nothing is lost, no step ran twice, and no program ended by itself. */
    const expectWhole = async (names: readonly string[]): Promise<void> => {
      const phases = await fleet.query<{ phase: string }>(
        'SELECT s.phase FROM workflows w JOIN workflow_state s USING (uid) WHERE w.name = ANY ($1)',
        [names],
      );
      expect(phases.map(({ phase }) => phase)).toEqual(names.map(() => 'Succeeded'));
      const lines = names.flatMap((name) => STEPS_OF_HELD.map((step) => [`${name}/${step}`, 1]));
      const told = [...fleet.journal.lines].filter(([line]) => names.includes(line.split('/')[0] ?? ''));
      expect(told.sort()).toEqual(lines.sort());
      expect(fleet.unexpectedEnds()).toEqual([]);
    };

    it('takes every submission once when it is back', { timeout: TEST_LIMIT_MS }, async () => {
      const names = named('submit');
      gate.open();
      let submissions: Promise<unknown> = Promise.resolve();
      await outage(['server', 'scheduler-a'], () => {
        submissions = Promise.all(names.map((name) => submit(name)));
      });
      await submissions;
      await allEnded();
      await expectWhole(names);
    });

    it('leaves what runs running', { timeout: TEST_LIMIT_MS }, async () => {
      const names = named('running');
      await Promise.all(names.map((name) => submit(name)));
      await allHeld(names);
      await outage(['scheduler-a', 'scheduler-b', 'pod-manager-a']);
      gate.open();
      await allEnded();
      await expectWhole(names);
    });

    it('hears of what ended meanwhile', { timeout: TEST_LIMIT_MS }, async () => {
      const names = named('finishing');
      await Promise.all(names.map((name) => submit(name)));
      await allHeld(names);
      await outage(['pod-manager-a', 'pod-manager-b', 'scheduler-b'], () => gate.open());
      await allEnded();
      await expectWhole(names);
    });

    it('has all in the archive, once, and all records', { timeout: TEST_LIMIT_MS }, async () => {
      const names = named('archiving');
      gate.open();
      await Promise.all([fleet.programs.archiver.kill(), fleet.programs.offloader.kill()]);
      await Promise.all(names.map((name) => submit(name)));
      await allEnded();
      await outage(['archiver', 'offloader']);
      await nothingHandedOver('archive');
      await nothingHandedOver('record');
      await expectWhole(names);
      await untilNone(
        'all have a record that shows their end',
        `SELECT n.name FROM unnest($1::text[]) AS n (name) WHERE NOT EXISTS (SELECT 1 FROM resources r
          WHERE r.kind = 'Workflow' AND r.name = n.name AND r.body -> 'status' ->> 'phase' = 'Succeeded')`,
        [submitted],
      );
      const archived = await fleet.query<{ name: string; phase: string }>('SELECT name, phase FROM argo_archived_workflows');
      expect(archived.map(({ name, phase }) => `${name} ${phase}`).sort()).toEqual(
        submitted.map((name) => `${name} Succeeded`).sort(),
      );
    });

    it('has deleted what was to be deleted', { timeout: TEST_LIMIT_MS }, async () => {
      const completed = named('completed');
      const deleted = named('deleted');
      gate.open();
      await fleet.programs['artifact-gc'].kill();
      await Promise.all([
        ...completed.map((name) => submit(name, { artifactGc: 'OnWorkflowCompletion' })),
        ...deleted.map((name) => submit(name, { artifactGc: 'OnWorkflowDeletion' })),
      ]);
      await allEnded();
      await expectWhole([...completed, ...deleted]);
      await nothingHandedOver('archive');
      await Promise.all(deleted.map((name) => fleet.api.delete(name)));
      expect(await storedArtifacts([...completed, ...deleted])).not.toEqual([]);
      await outage(['artifact-gc', 'scheduler-a', 'scheduler-b']);
      await untilNone('the deleted are gone', 'SELECT name FROM workflows WHERE name = ANY ($1)', [deleted]);
      await patiently(
        async () => (await storedArtifacts([...completed, ...deleted])).length === 0,
        () => 'the artifacts are gone',
        LIMIT_MS,
      );
      expect(await storedArtifacts(named('running'))).toHaveLength(EACH);
      expect(await fleet.query("SELECT object_id, state FROM artifact_deletions WHERE state = 'pending'")).toEqual([]);
    });

    it('leaves no row behind that waits for nothing', async () => {
      await untilNone(
        'nothing is left to be done',
        'SELECT queue AS what FROM handoffs UNION ALL SELECT kind FROM workflow_inbox',
      );
      const { exitCode, stdout } = await argosy(['fsck', '--grace', '0s', '-o', 'json'], { DATABASE_URL: fleet.postgres.url });
      expect(JSON.parse(stdout)).toMatchObject({ findings: [] });
      expect(exitCode).toBe(0);
    });

    /** Keys of stored artifacts; a folder that goes while it is read counts as one. */
    const storedArtifacts = async (names: readonly string[]): Promise<string[]> => {
      const folder = path.join(fleet.folder, 'data', 'artifacts');
      const files = await readdir(folder, { recursive: true }).catch(() => names.map((name) => `${name}.tgz`));
      return files.filter((file) => file.endsWith('.tgz') && names.some((name) => file.includes(name)));
    };
  },
);
