import { expect, it } from 'vitest';

import type { KubernetesApi } from '#libs/kubernetes';

import { createVolumeClaim } from './volume-claims.js';

const owner = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', name: 'wf', uid: 'u', controller: true };
const claim = {
  ...{ namespace: 'ns', name: 'wf-work', spec: { accessModes: ['ReadWriteOnce'] } },
  metadata: { labels: { 'workflows.argoproj.io/workflow': 'wf' }, ownerReferences: [owner] },
};

const createdWith = async (areOwnersThere: boolean): Promise<unknown> => {
  const created: unknown[] = [];
  const api = { create: (_address: object, object: object) => Promise.resolve(void created.push(object)) };
  expect(await createVolumeClaim(api as unknown as KubernetesApi, claim, areOwnersThere)).toEqual({ type: 'created' });
  return created[0];
};

it('gives a claim the marks of its template, and its workflow as owner', async () => {
  expect(await createdWith(true)).toEqual({
    ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', spec: claim.spec },
    metadata: { namespace: 'ns', name: 'wf-work', ...claim.metadata },
  });
});

it('names no owner that is not in the cluster, for the cluster would delete the claim', async () => {
  expect(await createdWith(false)).toMatchObject({ metadata: { labels: claim.metadata.labels } });
  expect(JSON.stringify(await createdWith(false))).not.toContain('ownerReferences');
});
