import { describe, expect, it } from 'vitest';
import { TransientError } from '#libs/workflow-spec';
import { KubernetesNotFoundError } from '../errors.js';
import type { ApiRequest } from '../request/exchange.js';
import { StatusParts } from './status-parts.js';

/** A server whose group has these resources, or that throws. */
const partsOf = (answer: () => string[]) => {
  const paths: string[] = [];
  const clock = { nowMs: 0 };
  const api = {
    request: <T>({ path }: ApiRequest): Promise<T> => {
      paths.push(path);
      return new Promise((resolve) => resolve({ resources: answer().map((name) => ({ name })) } as T));
    },
  };
  return { parts: new StatusParts(api, 'argoproj.io/v1alpha1', () => clock.nowMs), paths, clock };
};

describe('StatusParts', () => {
  it('asks once for all kinds of a group, and again after a while', async () => {
    const resources = ['workflows', 'cronworkflows', 'cronworkflows/status'];
    const { parts, paths, clock } = partsOf(() => resources);
    expect(await Promise.all([parts.has('workflows'), parts.has('cronworkflows')])).toEqual([false, true]);
    expect(paths).toEqual(['/apis/argoproj.io/v1alpha1']);
    resources.push('workflows/status');
    expect(await parts.has('workflows')).toBe(false);
    clock.nowMs = 60_001;
    expect(await parts.has('workflows')).toBe(true);
  });

  it('finds none where the group is not there, and does not remember that it could not ask', async () => {
    const said = { httpStatus: 404, reason: 'NotFound', message: 'none' };
    const problems: (Error | undefined)[] = [new TransientError('away'), new KubernetesNotFoundError(said)];
    const { parts } = partsOf(() => {
      throw problems.shift() ?? new Error('asked once too often');
    });
    await expect(parts.has('workflows')).rejects.toThrow('away');
    expect(await parts.has('workflows')).toBe(false);
    expect(await parts.has('workflows')).toBe(false);
  });
});
