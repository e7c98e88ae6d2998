import { describe, expect, it } from 'vitest';
import { quietLogger } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { IntakeWorld, object } from './intake-world.js';

const world = () => new IntakeWorld(quietLogger);

describe('IntakeService', () => {
  it('takes an object in once, however often it is told', async () => {
    const { intake, rows, woken } = world();
    await intake.take(object('a'));
    await intake.take(object('a'));
    expect([...rows.values()].map(({ workflow }) => workflow.hasClusterObject)).toEqual([true]);
    expect(woken).toEqual(['a']);
  });

  it('keeps what has to wait where the tables are away', async () => {
    const { intake, takeovers, taken } = world();
    takeovers.set('a', 'exists');
    await intake.take(object('a', { hasStatus: true }));
    takeovers.set('a', 'fails');
    await expect(intake.retryWaiting()).rejects.toThrow('away');
    takeovers.set('a', 'taken');
    await intake.retryWaiting();
    expect(taken).toEqual(['a', 'a', 'a']);
  });

  it('deletes what is being deleted, and what is found to be gone after a list', async () => {
    const { intake, rows, there } = world();
    await intake.take(object('a'));
    there.set('w', 'a');
    await intake.take(object('a', { isDeleting: true }));
    expect(rows.get('a')?.deleted).toBe(true);

    const other = world();
    await other.intake.take(object('b'));
    other.there.set('w', 'b');
    other.intake.begin(false);
    await other.intake.removeMissing();
    expect(other.rows.get('b')?.deleted, 'it was made after the list was read').toBe(false);
    other.there.set('w', 'a-new-one-of-the-name');
    await other.intake.removeMissing();
    expect(other.rows.get('b')?.deleted).toBe(true);
  });

  it('goes on with a workflow whose object has only left the selection', async () => {
    const { intake, rows, there } = world();
    await intake.take(object('a'));
    there.set('w', 'a');
    await intake.leave(object('a').key);
    expect(rows.get('a')?.deleted).toBe(false);
  });

  it('waits with a new workflow until the rows of its namesake are gone', async () => {
    const { intake, rows } = world();
    await intake.take(object('old'));
    await intake.take(object('new'));
    expect(rows.get('old')?.deleted).toBe(true);
    expect(rows.has('new')).toBe(false);
    rows.delete('old');
    await intake.retryWaiting();
    expect(rows.has('new')).toBe(true);
  });

  it('says in the object that it cannot be read, and makes no rows', async () => {
    const { intake, rows, projections } = world();
    const spec = { templates: [{ name: 'main', container: { image: 'x', args: 'one' } }] } as unknown as Workflow['spec'];
    await intake.take(object('a', {}, { spec }));
    expect(rows.size).toBe(0);
    expect(projections[0]?.status).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/^invalid spec: /) as unknown,
    });
  });

  it('leaves it to the server to make rows that hold more than the object, for a while', async () => {
    const { intake, rows, now } = world();
    const metadata = { annotations: { 'argosy.dev/rows-follow': 'true' } };
    await intake.take(object('a', {}, { metadata: { ...object('a').workflow.metadata, ...metadata } }));
    await intake.retryWaiting();
    expect(rows.size).toBe(0);
    now.ms += 31_000;
    await intake.retryWaiting();
    expect(rows.size).toBe(1);
  });

  it('lets go of a deleted object that has no rows', async () => {
    const { intake, released } = world();
    await intake.take(object('a', { isDeleting: true }));
    expect(released).toEqual(['a']);
  });
});
