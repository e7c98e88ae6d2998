import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { quietLogger } from '#libs/testing';

import { ObservationQueue } from './observation-queue.js';

const seen = (nodeId: string) => ({ identity: { workflowUid: 'w', nodeId, incarnation: 0 }, phase: 'Running' as const });

it.each([0, 1, 2, 3, 4, 5, 6])('delivers what is seen %i steps after the last batch was recorded', async (steps) => {
  const recorded: string[] = [];
  const queue = new ObservationQueue((batch) => {
    recorded.push(...batch.map(({ identity }) => identity.nodeId));
    const done = Promise.resolve();
    let after = done;
    for (let step = 0; step < steps; step += 1) after = after.then(() => undefined);
    if (recorded.length === 1) void after.then(() => queue.add(seen('second')));
    return done;
  }, quietLogger);
  queue.add(seen('first'));
  for (let turn = 0; turn < 5; turn += 1) await turnOfTheLoop();
  expect(recorded).toEqual(['first', 'second']);
  await queue.close();
});
