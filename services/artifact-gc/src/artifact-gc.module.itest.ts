import 'reflect-metadata';

import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';

import { createArtifactDrivers } from '#libs/artifacts';
import { ArtifactGcJob } from '#libs/jobs';
import { Metrics } from '#libs/observability';
import { CredentialNamespaces, openResources } from '#libs/program';
import { createStore } from '#libs/store';
import { eventually, MemoryJobQueue, postgresTemplate, quietLogger } from '#libs/testing';

import { ArtifactGcModule, artifactGcJobs } from './artifact-gc.module.js';
import { CollectProcessor } from './collect/collect.processor.js';

it('is wired, takes hints of its queue, and its sweeper wakes what nobody hinted at', async () => {
  const database = await postgresTemplate();
  const clock = { nowMs: () => Date.now() };
  const store = createStore({ connection: database.connection, clock });
  const queue = new MemoryJobQueue();
  const woken: string[] = [];
  const settings = {
    concurrency: 2,
    objectsPerJob: 10,
    parallelDeletions: 2,
    retryBaseMs: 1,
    retryLongestMs: 1,
    keepFinishedMs: 1,
  };
  const drivers = createArtifactDrivers({ clock });
  const credentials = new CredentialNamespaces({ resources: openResources(store, clock), controllerNamespace: 'argo' });
  const logger = { ...quietLogger, child: () => logger };
  const metrics = new Metrics();
  const module = await Test.createTestingModule({
    imports: [ArtifactGcModule.register({ store, queue, drivers, credentials, clock, logger, metrics, settings })],
  }).compile();
  const processor = module.get(CollectProcessor);
  queue.handle(ArtifactGcJob, async (payload) => {
    woken.push(payload.workflow);
    return processor.handle(payload);
  });
  const submitted = { metadata: { uid: 'lost', namespace: 'argo', name: 'lost' }, spec: {} };
  await store.workflows.insert({ submitted, createdAtMs: 1 });
  await store.retention.markDeleted('lost', 1);
  await module.init();
  await eventually(() => store.artifactDeletions.isPlanned('lost', 'OnWorkflowDeletion'), 'the lost workflow is planned');
  expect(woken).toContain('lost');
  expect(artifactGcJobs(settings)).toEqual([{ job: ArtifactGcJob, concurrency: 2 }]);
  const artifacts = [{ name: 'out', s3: { endpoint: '127.0.0.1:1', bucket: 'b', key: 'k' } }];
  await store.workflows.insert({
    submitted: {
      metadata: { uid: 'told', namespace: 'argo', name: 'told' },
      spec: { artifactGC: { strategy: 'OnWorkflowCompletion' } },
    },
    createdAtMs: 1,
  });
  await store.workflowState.commit({
    ...{ uid: 'told', expectedVersion: 0, nowMs: 1 },
    header: { engineLevel: 1, status: { phase: 'Succeeded' }, labels: {}, annotations: {}, internal: {} },
    nodes: [
      {
        ...{ id: 'n', parents: [], ordinal: 0 },
        status: { id: 'n', name: 'n', type: 'Pod', phase: 'Succeeded', outputs: { artifacts } },
      },
    ],
  });
  await processor.handle({ workflow: 'told' });
  const shown = await metrics.text();
  expect(shown).toMatch(/^argosy_artifact_deletions\{state="pending"[^}]*\} 1$/m);
  // Nobody listens at its store.
  expect(shown).toMatch(/^argosy_artifact_deletions_failing 1$/m);

  await module.close();
  await store.close();
  await database.drop();
});
