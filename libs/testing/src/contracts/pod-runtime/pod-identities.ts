import { expect, it } from 'vitest';

import { newIdentity, type Open, podOf } from './watched-runtime.js';

export function identityTests(open: Open): void {
  it('runs a pod once however often it is asked for', async () => {
    const watched = await open();
    const identity = newIdentity();
    const manifest = podOf(identity, ['result=once', 'ms=200']);
    const outcomes = await Promise.all([1, 2, 3].map(() => watched.runtime.create(identity, manifest)));
    expect(outcomes.map((outcome) => outcome.type).sort()).toEqual(['adopted', 'adopted', 'created']);
    await watched.end(identity);
    expect(await watched.runtime.create(identity, manifest)).toEqual({ type: 'adopted' });
    expect(await watched.lines(identity)).toEqual(['once']);
  });

  it('takes another incarnation of the same node for another pod', async () => {
    const watched = await open();
    const first = newIdentity();
    const second = { ...first, incarnation: 1 };
    await watched.runtime.create(first, podOf(first, ['exit=1']));
    await watched.runtime.create(second, podOf(second, ['result=again']));
    expect(await watched.end(first)).toMatchObject({ exitCode: 1, identity: first });
    expect(await watched.end(second)).toMatchObject({ exitCode: 0, identity: second });
    await watched.runtime.delete(first);
    expect(await watched.lines(second)).toEqual(['again']);
  });

  it('observes a pod that does not exist as Gone', async () => {
    const watched = await open();
    const [inspected, terminated] = [newIdentity(), newIdentity()];
    await watched.runtime.inspect(inspected);
    await watched.runtime.terminate(terminated, 1);
    expect(await watched.last(inspected, 'Gone')).toMatchObject({ identity: inspected });
    expect(await watched.last(terminated, 'Gone')).toMatchObject({ identity: terminated });
  });
}

export function hostTests(open: Open): void {
  it('says busy where all slots are taken, and takes the pod when one is free', async () => {
    const watched = await open({ maxPods: 1 });
    const [first, second] = [newIdentity(), newIdentity()];
    await watched.runtime.create(first, podOf(first, ['ms=300']));
    expect(await watched.runtime.create(second, podOf(second, []))).toMatchObject({ type: 'busy' });
    await watched.end(first);
    expect(await watched.runtime.create(second, podOf(second, []))).toEqual({ type: 'created' });
    await watched.end(second);
  });

  it('refuses a pod of which nobody knows what to run', async () => {
    const watched = await open();
    const identity = newIdentity();
    const manifest = podOf(identity, [], { template: { container: { image: 'nobody/knows:this', imagePullPolicy: 'Never' } } });
    const outcome = await watched.runtime.create(identity, manifest);
    expect(outcome.type).toBe('refused');
  });
}
