import { describe, expect, it } from 'vitest';

import { simPod } from '#libs/testing';

import type { PodObservation } from '../contract.js';
import { SimulatedHost } from './simulated-host.js';
import { VirtualTime } from './simulated-time.js';

const identity = { workflowUid: 'uid-1', nodeId: 'node-1', incarnation: 0 };

describe('the simulated host in virtual time', () => {
  it('lets nothing happen until time is moved, and then in the order of its moments', () => {
    const time = new VirtualTime(1_000);
    const host = new SimulatedHost(time);
    const seen: PodObservation[] = [];
    host.subscribe((observation) => seen.push(observation));
    host.run({ ...identity, nodeId: 'slow' }, simPod(['ms=60000']));
    host.run({ ...identity, nodeId: 'fast' }, simPod(['ms=10', 'exit=1']));
    time.advance(9);
    expect(seen.map((observation) => observation.phase)).toEqual(['Running', 'Running']);
    expect(time.nextAtMs()).toBe(1_010);
    time.advance(3_600_000);
    expect(seen.slice(2)).toMatchObject([
      { phase: 'Failed', finishedAtMs: 1_010, message: 'main: Error (exit code 1)' },
      { phase: 'Succeeded', startedAtMs: 1_000, finishedAtMs: 61_000 },
    ]);
  });

  it('plays a scripted outcome instead of the arguments', () => {
    const time = new VirtualTime();
    const host = new SimulatedHost(time, () => ({ gone: true, durationMs: 5 }));
    const seen: PodObservation[] = [];
    host.subscribe((observation) => seen.push(observation));
    host.run(identity, simPod(['result=never']));
    time.advance(5);
    expect(seen.at(-1)).toMatchObject({ identity, phase: 'Gone', message: 'pod deleted' });
    expect(host.find(identity)).toBeUndefined();
  });

  it('kills what ignores TERM after the grace period', () => {
    const time = new VirtualTime();
    const host = new SimulatedHost(time, () => ({ ignoresTerm: true, durationMs: 60_000 }));
    host.run(identity, simPod([]));
    host.terminate(identity, 2);
    time.advance(1_999);
    expect(host.find(identity)?.phase).toBe('Running');
    time.advance(1);
    expect(host.find(identity)).toMatchObject({ phase: 'Failed', exitCode: 137 });
  });

  it('gives output parameters from files, else their default, else says which file is missing', () => {
    const time = new VirtualTime();
    const host = new SimulatedHost(time);
    const outputs = {
      parameters: [
        { name: 'written', valueFrom: { path: '/tmp/a' } },
        { name: 'defaulted', valueFrom: { path: '/tmp/b', default: 'd' } },
      ],
    };
    host.run(identity, simPod(['out.a=1'], { template: { outputs } }));
    time.advance(0);
    expect(host.find(identity)?.outputs?.parameters?.map(({ value }) => value)).toEqual(['1', 'd']);
    const second = { ...identity, incarnation: 1 };
    host.run(second, simPod([], { template: { outputs: { parameters: [{ name: 'x', valueFrom: { path: '/tmp/x' } }] } } }));
    time.advance(0);
    expect(host.find(second)).toMatchObject({
      phase: 'Failed',
      infrastructure: true,
      message: 'cannot find /tmp/x for output parameter x',
    });
  });
});
