import { expect, it } from 'vitest';

import { newIdentity, type Open, podOf, whileMs } from './watched-runtime.js';

export function endTests(open: Open, isCluster: boolean): void {
  it('reports success with the exit code, the times and the captured result', async () => {
    const watched = await open();
    const identity = newIdentity();
    const before = Date.now();
    expect(await watched.runtime.create(identity, podOf(identity, ['result=hello'], { captureResult: true }))).toEqual({
      type: 'created',
    });
    const end = await watched.end(identity);
    expect(end).toMatchObject({ phase: 'Succeeded', exitCode: 0, outputs: { result: 'hello' } });
    expect(end.message).toBeUndefined();
    expect(end.startedAtMs).toBeGreaterThan(before - 2_000);
    expect(end.finishedAtMs).toBeGreaterThanOrEqual(end.startedAtMs ?? Infinity);
  });

  it('reports failure with the words of Argo and captures what was printed before it', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['result=partly', 'exit=3'], { captureResult: true }));
    expect(await watched.end(identity)).toMatchObject({
      phase: 'Failed',
      exitCode: 3,
      message: 'main: Error (exit code 3)',
      outputs: { result: 'partly' },
    });
  });

  it('reports a pod that takes a while as Running before its end', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, [`ms=${whileMs(isCluster)}`]));
    expect(await watched.last(identity, 'Running')).toMatchObject({ phase: 'Running' });
    expect(await watched.end(identity)).toMatchObject({ phase: 'Succeeded' });
  });

  it('ends a pod at its deadline with the message of the kubelet', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['ms=30000'], { activeDeadlineSeconds: 1 }));
    expect(await watched.end(identity)).toMatchObject({
      phase: 'Failed',
      message: 'Pod was active on the node longer than the specified deadline',
    });
  });

  it('offers an observation again until it is recorded', async () => {
    const watched = await open({ failures: 2 });
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['exit=4']));
    expect(await watched.end(identity)).toMatchObject({ exitCode: 4 });
  });
}

export function endingTests(open: Open): void {
  it('ends a pod by TERM, and repeats it without harm', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['ms=30000']));
    await watched.last(identity, 'Running');
    await watched.runtime.terminate(identity, 5);
    await watched.runtime.terminate(identity, 5);
    expect(await watched.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 143, message: 'main: Error (exit code 143)' });
    await watched.runtime.terminate(identity, 5);
    expect(await watched.end(identity)).toMatchObject({ exitCode: 143 });
  });

  it('ends a pod that was terminated right after it was made', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['ms=30000']));
    await watched.runtime.terminate(identity, 5);
    expect(await watched.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 143 });
  });

  it('forgets a deleted pod, killing it where it runs', async () => {
    const watched = await open();
    const [ended, running] = [newIdentity(), newIdentity()];
    await watched.runtime.create(ended, podOf(ended, ['result=text']));
    await watched.runtime.create(running, podOf(running, ['ms=30000']));
    await watched.end(ended);
    await watched.last(running, 'Running');
    for (const identity of [ended, running]) {
      await watched.runtime.delete(identity);
      await watched.runtime.delete(identity);
      await watched.runtime.inspect(identity);
      await watched.last(identity, 'Gone');
    }
    expect(await watched.lines(ended)).toEqual([]);
  });
}
