import { describe, expect, it } from 'vitest';

import { eventually } from '#libs/testing';

import type { ObservedPod } from './observed-pod.js';
import { PodSpecLog, type PodSpecLogStrategy } from './pod-spec-log.js';

const spec = {
  containers: [
    {
      name: 'main',
      image: 'busybox',
      env: [
        { name: 'TOKEN', value: 'hunter2' },
        { name: 'KEY', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      ],
      readinessProbe: { httpGet: { port: 80, httpHeaders: [{ name: 'Authorization', value: 'hunter3' }] } },
    },
  ],
};
const stored = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec };
const observed = { namespace: 'n', name: 'p', uid: 'u' } as ObservedPod;

const logOf = (strategy: PodSpecLogStrategy, found: () => Promise<typeof stored | undefined> = () => Promise.resolve(stored)) => {
  const lines: { message: string; fields: Record<string, unknown> | undefined }[] = [];
  const keep = (message: string, fields?: Record<string, unknown>): void => void lines.push({ message, fields });
  const log = new PodSpecLog({
    strategy: () => strategy,
    pods: { get: found },
    logger: { debug: keep, info: keep, warn: keep, error: keep },
  });
  return { log, lines };
};
const made = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n' }, spec } as const;

describe('specs of pods in the log', () => {
  it('are written of new pods where all are wanted, without values', () => {
    const { log, lines } = logOf({ allPods: true });
    log.made(made);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).toMatchObject({ namespace: 'n', pod: 'p' });
    const text = String(lines[0]?.fields?.['podSpec']);
    expect(text).toContain('busybox');
    expect(text).toContain('secretKeyRef');
    expect(text).not.toMatch(/hunter[23]/);
  });

  it('are written of failed pods where these are wanted, as the cluster has them', async () => {
    const { log, lines } = logOf({ failedPod: true });
    log.made(made);
    log.ended(observed, { phase: 'Succeeded' });
    log.ended({ ...observed, uid: 'another' }, { phase: 'Failed' });
    log.ended(observed, { phase: 'Failed' });
    await eventually(() => lines.length > 0, 'a line');
    expect(lines.map(({ message }) => message)).toEqual(['spec of a failed pod']);
    expect(String(lines[0]?.fields?.['podSpec'])).not.toContain('hunter2');
  });

  it('are not written where nobody asked, and a pod that cannot be read does no harm', async () => {
    const silent = logOf({});
    silent.log.made(made);
    silent.log.ended(observed, { phase: 'Failed' });
    const broken = logOf({ failedPod: true }, () => Promise.reject(new Error('away')));
    broken.log.ended(observed, { phase: 'Failed' });
    await eventually(() => broken.lines.length > 0, 'a line');
    expect(broken.lines.map(({ message }) => message)).toEqual(['the spec of a failed pod could not be read']);
    expect(silent.lines).toEqual([]);
  });
});
