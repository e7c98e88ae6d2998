import { expect, it } from 'vitest';

import { eventually } from '../../eventually.js';
import { simContainer, simPodOf } from '../../pod-manifests.js';
import { newIdentity, type Open } from './watched-runtime.js';

export function generalPodTests(open: Open): void {
  it('ends a sidecar when main has ended, which alone decides the outcome', async () => {
    const watched = await open();
    const identity = newIdentity();
    const containers = [simContainer('main', ['ms=300', 'result=done']), simContainer('side', ['ms=60000'])];
    await watched.runtime.create(identity, simPodOf({ containers }, { ...identity, captureResult: true }));
    expect(await watched.end(identity)).toMatchObject({ phase: 'Succeeded', exitCode: 0, outputs: { result: 'done' } });
    expect(await watched.lines(identity, { container: 'main' })).toEqual(['done']);
  });

  it('ends in Error with the init container that failed', async () => {
    const watched = await open();
    const identity = newIdentity();
    const initContainers = [simContainer('one', ['ms=50']), simContainer('two', ['exit=3'])];
    const manifest = simPodOf({ initContainers, containers: [simContainer('main', ['result=ran'])] }, identity);
    await watched.runtime.create(identity, manifest);
    const end = await watched.end(identity);
    expect(end).toMatchObject({ phase: 'Failed', infrastructure: true, message: 'two: Error (exit code 3)' });
    await watched.runtime.delete(identity);
    await watched.runtime.inspect(identity);
    await watched.last(identity, 'Gone');
  });

  it('runs a set by its dependencies, and reports each member', async () => {
    const watched = await open();
    const identity = newIdentity();
    const containers = [
      simContainer('d', []),
      simContainer('a', ['ms=200']),
      simContainer('b', ['exit=2']),
      simContainer('c', []),
    ];
    const work = {
      mainContainers: ['d', 'a', 'b', 'c'],
      containerGraph: [
        { name: 'd', dependencies: ['a'] },
        { name: 'a', dependencies: [] },
        { name: 'b', dependencies: ['a'] },
        { name: 'c', dependencies: ['b'] },
      ],
    };
    await watched.runtime.create(identity, simPodOf({ containers }, { ...identity, work }));
    const end = await watched.end(identity);
    expect(end).toMatchObject({ phase: 'Failed', message: 'b: Error (exit code 2)' });
    expect(end.containers?.map(({ name, phase, exitCode }) => `${name} ${phase} ${exitCode}`)).toEqual([
      'd Succeeded 0',
      'a Succeeded 0',
      'b Failed 2',
      'c Failed 64',
    ]);
  });

  it('says that a daemon is ready, and ends it when it is told to', async () => {
    const watched = await open();
    const identity = newIdentity();
    const containers = [simContainer('main', ['ms=60000']), simContainer('side', ['ms=60000'])];
    await watched.runtime.create(identity, simPodOf({ containers }, { ...identity, work: { daemon: true } }));
    await eventually(() => watched.of(identity).some(({ phase, ready }) => phase === 'Running' && ready === true), 'it is ready');
    await watched.runtime.terminate(identity, 5);
    expect(await watched.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 143 });
  });

  it('goes on with a pod of several containers after a restart', async () => {
    const first = await open();
    const identity = newIdentity();
    const initContainers = [simContainer('one', ['ms=400'])];
    const containers = [simContainer('main', ['ms=800', 'exit=6']), simContainer('side', ['ms=60000'])];
    await first.runtime.create(identity, simPodOf({ initContainers, containers }, identity));
    await first.last(identity, 'Running', 'Pending');
    await first.runtime.close();
    const second = await open();
    expect(await second.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 6, message: 'main: Error (exit code 6)' });
  });
}
