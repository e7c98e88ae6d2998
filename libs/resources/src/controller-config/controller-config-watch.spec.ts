import { beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '#libs/workflow-spec';
import type { Resource, ResourceStore } from '../contract.js';
import { ResourceNotFoundError } from '../errors.js';
import { ControllerConfigWatch } from './controller-config-watch.js';

const KEY = { kind: 'ConfigMap', namespace: 'argo', name: 'workflow-controller-configmap' };

describe("the controller's configuration", () => {
  let stored: Resource | Error | undefined;
  let warnings: string[];
  let watch: ControllerConfigWatch;

  const put = (version: number, data: Record<string, string>): void => {
    stored = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...KEY, resourceVersion: String(version) },
      data,
    };
  };
  const resources: Pick<ResourceStore, 'get'> = {
    get: (key) => {
      if (stored instanceof Error) return Promise.reject(stored);
      return stored === undefined ? Promise.reject(new ResourceNotFoundError(key)) : Promise.resolve(stored);
    },
  };

  beforeEach(() => {
    stored = undefined;
    warnings = [];
    const logger = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
    watch = new ControllerConfigWatch({ ...KEY, resources, clock: { nowMs: () => 7 }, logger });
  });

  it('is empty where there is no ConfigMap', async () => {
    await watch.refresh();
    expect(watch.state()).toMatchObject({ config: {}, problems: [], resourceVersion: undefined, checkedAtMs: 7 });
  });

  it('takes up a change and tells who listens', async () => {
    const heard: unknown[] = [];
    watch.onChange((config) => heard.push(config.parallelism));
    put(1, { parallelism: '3' });
    await watch.refresh();
    put(2, { parallelism: '4' });
    await watch.refresh();
    expect([watch.current(), heard]).toEqual([{ parallelism: 4 }, [3, 4]]);
  });

  it('does not tell of a version that says the same', async () => {
    let changes = 0;
    watch.onChange(() => (changes += 1));
    put(1, { parallelism: '3' });
    await watch.refresh();
    put(2, { config: 'parallelism: 3' });
    await watch.refresh();
    expect([changes, watch.state().resourceVersion]).toEqual([1, '2']);
  });

  it('keeps the last good one where the new one cannot be read, says so once, and goes on when it is repaired', async () => {
    put(1, { parallelism: '3' });
    await watch.refresh();
    put(2, { paralelism: '4' });
    await watch.refresh();
    await watch.refresh();
    expect(watch.state()).toMatchObject({
      config: { parallelism: 3 },
      resourceVersion: '1',
      problems: ['unknown field "paralelism"'],
    });
    expect(warnings).toHaveLength(1);
    put(3, { parallelism: '5' });
    await watch.refresh();
    expect(watch.state()).toMatchObject({ config: { parallelism: 5 }, problems: [] });
  });

  it('is read when somebody needs it before the first look, who tries again while the store is away', async () => {
    stored = new TransientError('away');
    await expect(watch.known()).rejects.toThrow(TransientError);
    put(1, { parallelism: '3' });
    await watch.known();
    expect(watch.current()).toEqual({ parallelism: 3 });
  });

  it('lets those wait who need it while it has never been valid, and then goes by the last one that was', async () => {
    put(1, { paralelism: '3' });
    await expect(watch.known()).rejects.toThrow('not valid: unknown field "paralelism"');
    await expect(watch.known()).rejects.toThrow(TransientError);
    expect(warnings).toEqual(["the controller's configuration is not valid; work waits until it is"]);
    put(2, { parallelism: '3' });
    await watch.refresh();
    await watch.known();
    put(3, { paralelism: '4' });
    await watch.refresh();
    await watch.known();
    expect(watch.current()).toEqual({ parallelism: 3 });
  });

  it('keeps the last one while the store is away', async () => {
    put(1, { parallelism: '3' });
    await watch.refresh();
    stored = new TransientError('away');
    await watch.refresh();
    expect(watch.current()).toEqual({ parallelism: 3 });
  });

  it('goes back to nothing when the ConfigMap is deleted', async () => {
    put(1, { parallelism: '3' });
    await watch.refresh();
    stored = undefined;
    await watch.refresh();
    expect(watch.current()).toEqual({});
  });

  it('goes on after a listener that fails', async () => {
    let told = 0;
    watch.onChange(() => {
      throw new Error('no');
    });
    watch.onChange(() => (told += 1));
    put(1, { parallelism: '3' });
    await watch.refresh();
    expect(told).toBe(1);
  });
});
