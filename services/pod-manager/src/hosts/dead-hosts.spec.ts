import type { PodObservation } from '#libs/runtimes';
import type { HeldPod } from '#libs/store';
import { quietLogger } from '#libs/testing';
import { expect, it } from 'vitest';
import { deadHosts, HostSilence } from './dead-hosts.js';

const hostSeen = (host: string, seenAtMs: number) => ({ host, url: '', runtime: 'sandbox', seenAtMs });

it('takes a host for dead when its heartbeat stands still for the whole time, whatever its clock says', () => {
  const silence = new HostSilence(300, 200);
  expect(silence.look([hostSeen('a', 7), hostSeen('b', 7)], 1_000)).toEqual([]);
  expect(silence.look([hostSeen('a', 7), hostSeen('b', 8)], 1_150)).toEqual([]);
  expect(silence.look([hostSeen('a', 7), hostSeen('b', 8)], 1_300)).toEqual(['a']);
  expect(silence.look([hostSeen('a', 9), hostSeen('b', 8)], 1_450)).toEqual(['b']);
});

it('begins anew where it could not look for a while: the heartbeats could not be written then either', () => {
  const silence = new HostSilence(300, 200);
  silence.look([hostSeen('a', 7)], 1_000);
  expect(silence.look([hostSeen('a', 7)], 2_000)).toEqual([]);
  expect(silence.look([hostSeen('a', 7)], 2_150)).toEqual([]);
  expect(silence.look([hostSeen('a', 7)], 2_300)).toEqual(['a']);
});

it('reports the active pods of a dead host as lost, marks the unwanted ones as deleted, and forgets the host when it holds nothing', async () => {
  const key = (nodeId: string) => ({ workflowUid: 'w', nodeId, incarnation: 0 });
  let held: HeldPod[] = [
    { key: key('active'), rank: 2, wanted: true },
    { key: key('unbegun'), rank: 1, wanted: true },
    { key: key('ended'), rank: 3, wanted: false },
  ];
  const observed: PodObservation[] = [];
  const deleted: string[] = [];
  const removed: string[] = [];
  const released: string[] = [];
  const buried = new Set<string>();
  let nowMs = 0;
  const task = deadHosts({
    hosts: {
      list: async () => [hostSeen('here', 1), hostSeen('dead', 1)],
      removeIdle: async (host) => void removed.push(host),
    },
    podStatus: {
      heldPage: async ({ host }) => (host === 'dead' ? held : []),
      markDeletedMany: async (keys) => void deleted.push(...keys.map(({ nodeId }) => nodeId)),
    },
    tasks: { release: async (host) => released.push(host) },
    runtime: { buryHost: async (host) => void buried.add(host) },
    observe: async (observations) => void observed.push(...observations),
    clock: { nowMs: () => nowMs },
    logger: { ...quietLogger, child: () => quietLogger },
    host: 'here',
    deadAfterMs: 100,
  });
  for (nowMs = 0; nowMs <= 100; nowMs += 20) await task.run();
  expect(observed).toMatchObject([
    { identity: key('active'), phase: 'Gone', infrastructure: true, message: 'pod deleted' },
    { identity: key('unbegun'), phase: 'Failed', neverBegan: 'NodeShutdown', infrastructure: true, message: 'pod deleted' },
  ]);
  expect(deleted).toEqual(['ended']);
  expect(released).toEqual(['dead']);
  expect([...buried]).toEqual(['dead']);
  expect(removed).toEqual([]);
  held = [];
  await task.run();
  expect(removed).toEqual(['dead']);
});
