import { expect, it } from 'vitest';

import { newIdentity, type Open, podOf, whileMs } from './watched-runtime.js';

export function adoptionTests(open: Open, isCluster: boolean): void {
  it('lets pods run on when it is closed, and the next runtime reports their real end', async () => {
    const first = await open();
    const identity = newIdentity();
    await first.runtime.create(identity, podOf(identity, [`ms=${whileMs(isCluster)}`, 'exit=7']));
    await first.last(identity, 'Running');
    await first.runtime.close();
    const second = await open();
    expect(await second.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 7 });
    expect(first.of(identity).at(-1)?.phase).toBe('Running');
  });

  it('reports ended pods again after a restart, outputs included, and does not run them again', async () => {
    const first = await open();
    const identity = newIdentity();
    const manifest = podOf(identity, ['result=kept'], { captureResult: true });
    await first.runtime.create(identity, manifest);
    await first.end(identity);
    await first.runtime.close();
    const second = await open();
    if (isCluster) await second.runtime.inspect(identity);
    expect(await second.end(identity)).toMatchObject({ phase: 'Succeeded', outputs: { result: 'kept' } });
    expect(await second.runtime.create(identity, manifest)).toEqual({ type: 'adopted' });
    expect(await second.lines(identity)).toEqual(['kept']);
  });

  it('terminates and deletes pods that an earlier runtime made', async () => {
    const first = await open();
    const [terminated, deleted] = [newIdentity(), newIdentity()];
    for (const identity of [terminated, deleted]) {
      await first.runtime.create(identity, podOf(identity, ['ms=30000']));
      await first.last(identity, 'Running');
    }
    await first.runtime.close();
    const second = await open();
    await second.runtime.terminate(terminated, 5);
    expect(await second.end(terminated)).toMatchObject({ exitCode: 143 });
    await second.runtime.delete(deleted);
    await second.runtime.inspect(deleted);
    await second.last(deleted, 'Gone');
  });
}
