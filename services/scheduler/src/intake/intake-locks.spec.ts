import { describe, expect, it } from 'vitest';
import type { WorkflowObject } from '#libs/resources';
import { quietLogger } from '#libs/testing';
import { IntakeWorld, wanting } from './intake-world.js';

const world = () => new IntakeWorld(quietLogger);

const holding = (name: string): WorkflowObject =>
  wanting(name, {
    phase: 'Running',
    synchronization: { mutex: { holding: [{ mutex: 'lab/Mutex/m', holder: `lab/${name}` }] } },
  });

describe('taking in workflows that may want locks', () => {
  it('takes in what may want a lock behind what holds one, whoever is told first', async () => {
    const { intake, taken, takeovers, rows } = world();
    takeovers.set('holder', 'exists');
    intake.begin(false);
    await intake.take(wanting('waiter', { phase: 'Running' }));
    await intake.take(wanting('new'));
    await intake.take(wanting('referring', undefined, { workflowTemplateRef: { name: 't' } }));
    await intake.take(wanting('unconcerned', undefined, {}));
    await intake.take(wanting('ended', { phase: 'Succeeded' }));
    expect([taken, [...rows.keys()]]).toEqual([['ended'], ['unconcerned']]);
    await intake.take(holding('holder'));
    await intake.removeMissing();
    await intake.retryWaiting();
    expect([taken, [...rows.keys()]]).toEqual([['ended', 'holder', 'holder'], ['unconcerned']]);
    takeovers.set('holder', 'taken');
    await intake.retryWaiting();
    await intake.retryWaiting();
    expect([taken.slice(3), [...rows.keys()]]).toEqual([
      ['holder', 'waiter'],
      ['unconcerned', 'new', 'referring'],
    ]);
  });

  it('lets nobody pass a holder whose taking in has failed and is tried again', async () => {
    const { intake, takeovers, rows } = world();
    takeovers.set('holder', 'exists');
    intake.begin(false);
    await intake.take(holding('holder'));
    await intake.removeMissing();
    takeovers.set('holder', 'fails');
    await expect(intake.take(holding('holder'))).rejects.toThrow('away');
    await intake.take(wanting('new'));
    await expect(intake.retryWaiting()).rejects.toThrow('away');
    expect([...rows.keys()]).toEqual([]);
  });

  it('takes in what Argo may have given locks to only from a list that was read when its controller had gone', async () => {
    const { intake, taken, rows, rivals } = world();
    rivals.isAlive = true;
    intake.begin(true);
    await intake.take(wanting('begun', { phase: 'Running' }));
    await intake.take(wanting('new'));
    await intake.take(wanting('unconcerned', undefined, {}));
    await intake.removeMissing();
    await intake.retryWaiting();
    expect([intake.isOutdated, taken, [...rows.keys()]]).toEqual([false, [], ['unconcerned']]);
    rivals.isAlive = false;
    await intake.retryWaiting();
    expect([intake.isOutdated, taken, [...rows.keys()]]).toEqual([true, [], ['unconcerned']]);
    // By then it had given the lock.
    intake.begin(false);
    await intake.take(wanting('new'));
    await intake.take(holding('begun'));
    await intake.removeMissing();
    await intake.retryWaiting();
    expect([intake.isOutdated, taken, [...rows.keys()]]).toEqual([false, ['begun'], ['unconcerned', 'new']]);
  });

  it('keeps who may want a lock behind a holder whose nodes cannot be read', async () => {
    const { intake, rows, takeovers } = world();
    const holding = { synchronization: { mutex: { holding: [{ mutex: 'lab/Mutex/m', holder: 'lab/w' }] } } };
    takeovers.set('a', 'away');
    await intake.take(wanting('a', holding));
    await intake.removeMissing();
    await intake.take(wanting('b'));
    await intake.retryWaiting();
    expect([...rows.keys()]).toEqual([]);
    takeovers.clear();
    await intake.retryWaiting();
    await intake.retryWaiting();
    expect([...rows.keys()]).toEqual(['b']);
  });
});
