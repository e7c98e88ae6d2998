import { describe, expect, it } from 'vitest';

import { emptyEnvSource, simPod } from '#libs/testing';
import type { Container } from '#libs/workflow-spec';

import { resolveEnvironment } from './environment.js';

const resolve = async (container: Partial<Container>, source = {}): Promise<Record<string, string>> =>
  Object.fromEntries(
    await resolveEnvironment(
      simPod([]),
      container as Container,
      { ...emptyEnvSource, ...source },
      { hostName: 'host', podIP: '10.0.0.1' },
    ),
  );

describe('the environment of a container', () => {
  it('expands earlier variables and leaves unknown and escaped references', async () => {
    const env = [
      { name: 'A', value: '1' },
      { name: 'B', value: '$(A)-$(C)-$$(A)' },
    ];
    expect(await resolve({ env })).toEqual({ A: '1', B: '1-$(C)-$(A)' });
  });

  it('resolves keys and fields', async () => {
    const env = [
      { name: 'K', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } },
      { name: 'O', valueFrom: { secretKeyRef: { name: 's', key: 'k', optional: true } } },
      { name: 'P', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'L', valueFrom: { fieldRef: { fieldPath: "metadata.labels['workflows.argoproj.io/workflow']" } } },
    ];
    const source = { configMapKey: async () => 'value' };
    expect(await resolve({ env }, source)).toEqual({ K: 'value', P: 'node-1', L: 'workflow' });
  });

  it('takes whole objects with a prefix, and lets env win', async () => {
    const container = { envFrom: [{ prefix: 'X_', configMapRef: { name: 'm' } }], env: [{ name: 'X_a', value: 'own' }] };
    expect(await resolve(container, { configMap: async () => ({ a: '1', b: '2' }) })).toEqual({ X_a: 'own', X_b: '2' });
  });

  it('refuses what is missing or unknown by name', async () => {
    const missing = [{ name: 'K', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } }];
    await expect(resolve({ env: missing })).rejects.toThrow("couldn't find key k in configmap argo/m");
    await expect(resolve({ env: [{ name: 'F', valueFrom: { fieldRef: { fieldPath: 'x.y' } } }] })).rejects.toThrow(
      'fieldRef x.y is not supported',
    );
    await expect(resolve({ envFrom: [{ secretRef: { name: 's' } }] })).rejects.toThrow('secret "s" not found');
  });
});
