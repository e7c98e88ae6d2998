import type { PodManifest } from '#libs/pod-spec';
import type { CreateOutcome } from '#libs/runtimes';
import type { HeldClaim, PodWorkRow } from '#libs/store';
import { eventually, quietLogger } from '#libs/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { PodConvergenceService } from './pod-convergence.service.js';
import { WaitingBuckets } from './waiting-buckets.js';

const NOW = 1_000_000;
const HOST = 'here';
const BUCKET = { workflow: 'w', bucket: 0 };
const key = { workflowUid: 'w', nodeId: 'n', incarnation: 0 };

let row: PodWorkRow;
let nowMs: number;
let outcome: CreateOutcome | Error | Promise<CreateOutcome>;
let calls: string[];
let holder: string;
let service: PodConvergenceService;

const claimedAgoMs = (ageMs: number, host = HOST): PodWorkRow['status'] => ({
  host,
  phase: 'Claimed',
  rank: 0,
  claimedAtMs: NOW - ageMs,
});

beforeEach(() => {
  row = { key, podName: 'p', namespace: 'ns', desired: 'run', manifest: {} as PodManifest, status: null };
  nowMs = NOW;
  outcome = { type: 'created' };
  calls = [];
  holder = HOST;
  service = new PodConvergenceService({
    pods: { readWork: async () => [row], hostsOf: async () => new Map([['claim/wf-work', holder]]) },
    wakeHost: async (_bucket, host) => void calls.push(`wake ${host}`),
    podStatus: {
      claimMany: async (identities) => identities.map((identity) => ({ identity, claimedAtMs: NOW })),
      takeOverClaims: async (claims: readonly HeldClaim[]) => {
        if (claims.length > 0) calls.push('take over');
        return claims.map((claim) => ({ ...claim, claimedAtMs: NOW }));
      },
      releaseClaim: async ({ claimedAtMs }) => void calls.push(`release ${claimedAtMs}`),
      markDeletedMany: async () => undefined,
    },
    runtime: {
      create: async () => {
        calls.push('create');
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
      terminate: async () => void calls.push('terminate'),
      delete: async () => void calls.push('delete'),
    },
    observe: async () => undefined,
    tellWaiting: async ({ nodeId }, message) => void calls.push(`tell ${nodeId} ${message}`),
    waiting: new WaitingBuckets(10),
    clock: { nowMs: () => nowMs },
    logger: { ...quietLogger, child: () => quietLogger },
    host: HOST,
  });
});

describe('a pod that is to run', () => {
  it('is claimed and made; a claim of which nothing was made is given back', async () => {
    await service.converge(BUCKET);
    outcome = { type: 'busy', message: 'full' };
    await service.converge(BUCKET);
    expect(calls).toEqual(['create', 'create', `release ${NOW}`]);
  });

  it('waits for a quota of the cluster, of which its workflow is told once', async () => {
    outcome = { type: 'busy', message: 'exceeded quota', isQuota: true };
    await service.converge(BUCKET);
    await service.converge(BUCKET);
    expect(calls).toEqual([
      ...['create', `release ${NOW}`, `tell ${row.key.nodeId} exceeded quota`],
      ...['create', `release ${NOW}`],
    ]);
  });

  it('runs where the volume of its claim is, and nowhere else', async () => {
    row.manifest = {
      spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'wf-work' } }] },
    } as unknown as PodManifest;
    holder = 'there';
    await service.converge(BUCKET);
    expect(calls).toEqual(['wake there']);
    holder = HOST;
    await service.converge(BUCKET);
    expect(calls).toEqual(['wake there', 'create']);
  });

  it('is not made where its order says that it cannot be', async () => {
    row.manifest = { work: { refusal: 'no such volume' } } as unknown as PodManifest;
    await service.converge(BUCKET);
    expect(calls).toEqual([]);
  });

  it('is left to whoever has just claimed it on this host, and looked at again when that has had its time', async () => {
    row.status = claimedAgoMs(100);
    expect(await service.converge(BUCKET)).toEqual({ wakeAtMs: NOW + 2_000 });
    expect(calls).toEqual([]);
  });

  it('is not looked at again for the sake of what this process itself has just made', async () => {
    await service.converge(BUCKET);
    row.status = claimedAgoMs(0);
    expect(await service.converge(BUCKET)).toBeUndefined();
    expect(calls).toEqual(['create']);
  });

  it('is looked at again where its creation here has failed', async () => {
    outcome = new Error('disk full');
    await expect(service.converge(BUCKET)).rejects.toThrow('disk full');
    row.status = claimedAgoMs(0);
    expect(await service.converge(BUCKET)).toEqual({ wakeAtMs: NOW + 2_000 });
  });

  it('is taken over from a claimer that made nothing of it, and then stays on this host even where no slot is free', async () => {
    row.status = claimedAgoMs(3_000);
    outcome = { type: 'busy', message: 'full' };
    await service.converge(BUCKET);
    expect(calls).toEqual(['take over', 'create']);
  });

  it('is none of its business where another host has claimed it', async () => {
    row.status = claimedAgoMs(60_000, 'elsewhere');
    expect(await service.converge(BUCKET)).toBeUndefined();
    expect(calls).toEqual([]);
  });
});

it('does not call a pod gone that its claimer may be making just now', async () => {
  row.desired = 'terminate';
  row.status = claimedAgoMs(100);
  expect(await service.converge(BUCKET)).toEqual({ wakeAtMs: NOW + 2_000 });
  expect(calls).toEqual([]);
});

it('ends at once what it has just made itself', async () => {
  await service.converge(BUCKET);
  row.desired = 'terminate';
  row.manifest = { work: { terminationGracePeriodSeconds: 1 } } as PodManifest;
  row.status = claimedAgoMs(0);
  await service.converge(BUCKET);
  expect(calls).toEqual(['create', 'take over', 'terminate']);
});

it('deletes a pod only when nobody here asks any more to have it made: the second of two such calls would make it again', async () => {
  let answer: (outcome: CreateOutcome) => void = () => undefined;
  outcome = new Promise((resolve) => {
    answer = resolve;
  });
  const making = service.converge(BUCKET);
  await eventually(() => calls.includes('create'), 'it is being made');
  row = { ...row, desired: 'delete', status: { host: HOST, phase: 'Succeeded', rank: 3, claimedAtMs: NOW } };
  expect(await service.converge(BUCKET)).toEqual({ wakeAtMs: NOW + 2_000 });
  answer({ type: 'adopted' });
  await making;
  await service.converge(BUCKET);
  expect(calls).toEqual(['create', 'delete']);
});
