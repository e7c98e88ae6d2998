import { expect, it } from 'vitest';

import { newIdentity, type Open, podOf } from './watched-runtime.js';

export function logTests(open: Open): void {
  it('gives the lines of an ended pod, the last ones only where asked, and those of no other container', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['result=one', 'result=two', 'result=three']));
    await watched.end(identity);
    expect(await watched.lines(identity)).toEqual(['one', 'two', 'three']);
    expect(await watched.lines(identity, { tailLines: 2, container: 'main' })).toEqual(['two', 'three']);
    expect(await watched.lines(identity, { container: 'wait' })).toEqual([]);
    expect(await watched.lines(identity, { sinceMs: Date.now() + 60_000 })).toEqual([]);
  });

  it('follows a running pod to its end', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['result=early', 'ms=400', 'result=late']));
    expect(await watched.lines(identity, { follow: true })).toEqual(['early', 'late']);
  });

  it('stops following when it is told to', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['ms=30000']));
    const stop = new AbortController();
    const reading = watched.lines(identity, { follow: true, signal: stop.signal });
    stop.abort();
    expect(await reading).toEqual([]);
    await watched.runtime.delete(identity);
  });
}
