import { claimRow } from '#libs/pod-spec';
import type { ClaimOutcome, PodObservation } from '#libs/runtimes';
import type { PodWorkRow } from '#libs/store';
import { beforeEach, describe, expect, it } from 'vitest';
import { ClaimKeeper, mountedClaims } from './claim-keeper.js';

const metadata = { labels: { a: 'b' }, ownerReferences: [{ kind: 'Workflow', uid: 'w' }] };
const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const key = { workflowUid: 'w', nodeId: 'claim/wf-work', incarnation: 1 };
const manifest = claimRow(
  { name: 'wf', namespace: 'ns', uid: 'w' },
  { orderId: key.nodeId, incarnation: 1, claimName: 'wf-work', claim: { metadata: { ...metadata, name: 'wf-work' }, spec } },
);
const row: PodWorkRow = { key, podName: 'wf-work', namespace: 'ns', desired: 'run', manifest, status: null };

let outcome: ClaimOutcome;
let calls: unknown[];
let keeper: ClaimKeeper;

beforeEach(() => {
  outcome = { type: 'created' };
  calls = [];
  keeper = new ClaimKeeper({
    runtime: {
      createClaim: async (claim) => {
        calls.push(['create', claim]);
        return outcome;
      },
      deleteClaim: async (claim) => void calls.push(['delete', claim]),
    },
    podStatus: { markDeletedMany: async (keys) => void calls.push(['gone', keys]) },
    observe: async (observations: PodObservation[]) => void calls.push(...observations),
    clock: { nowMs: () => 5 },
  });
});

describe('the claim of a workflow', () => {
  it('is made, and then reported as a pod that has succeeded', async () => {
    await keeper.converge(row);
    expect(calls).toEqual([
      ['create', { namespace: 'ns', name: 'wf-work', spec, metadata }],
      { identity: key, phase: 'Succeeded' },
    ]);
  });

  it('tells why it cannot be had', async () => {
    outcome = { type: 'refused', message: 'no room' };
    await keeper.converge(row);
    expect(calls[1]).toEqual({ identity: key, phase: 'Failed', infrastructure: true, message: 'no room' });
  });

  it('that Kubernetes would not store is refused in its words', async () => {
    const wrong = claimRow(
      { name: 'wf', namespace: 'ns', uid: 'w' },
      { orderId: key.nodeId, incarnation: 1, claimName: 'wf-work', claim: { spec: { ...spec, accessModes: ['Sometimes'] } } },
    );
    await keeper.converge({ ...row, manifest: wrong });
    expect(calls).toEqual([
      {
        identity: key,
        phase: 'Failed',
        infrastructure: true,
        message:
          'PersistentVolumeClaim "wf-work" is invalid: spec.accessModes: Unsupported value: "Sometimes": ' +
          'supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      },
    ]);
  });

  it('is refused where the runtime knows no claims', async () => {
    const { podStatus, observe, clock } = {
      podStatus: { markDeletedMany: async () => undefined },
      observe: async (seen: PodObservation[]) => void calls.push(...seen),
      clock: { nowMs: () => 5 },
    };
    await new ClaimKeeper({ runtime: {}, podStatus, observe, clock }).converge(row);
    expect(calls).toMatchObject([{ phase: 'Failed', message: 'this runtime has no volumes that outlive pods' }]);
  });

  it('that was called off before it was made is not made any more', async () => {
    await keeper.converge({ ...row, desired: 'terminate' });
    expect(calls).toEqual([{ identity: key, phase: 'Gone' }]);
  });

  it('is removed, and only then marked as gone', async () => {
    await keeper.converge({ ...row, desired: 'delete' });
    expect(calls).toEqual([
      ['delete', { namespace: 'ns', name: 'wf-work' }],
      ['gone', [key]],
    ]);
  });

  it('is found by name in the volumes of a pod', () => {
    const volumes = [
      { name: 'a', emptyDir: {} },
      { name: 'b', persistentVolumeClaim: { claimName: 'wf-work' } },
    ];
    expect(mountedClaims({ ...manifest, spec: { volumes } })).toEqual(['wf-work']);
  });
});
