import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { factId, type FactValue } from '../contract.js';

const workflow = (reference?: { configMap?: string; key?: string }): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'kept', namespace: 'lab' },
  spec: {
    entrypoint: 'main',
    ...(reference === undefined ? {} : { artifactRepositoryRef: reference }),
    templates: [
      {
        name: 'main',
        container: { image: 'sim', command: ['sim'], args: ['out.o=1'] },
        outputs: { artifacts: [{ name: 'o', path: '/tmp/o' }] },
      },
    ],
  },
});

const FOUND: FactValue = {
  kind: 'repository',
  reference: { configMap: 'artifact-repositories', key: 'mine', namespace: 'lab' },
  repository: { location: { s3: { bucket: 'own' } }, keyFormat: 'logs/{{workflow.name}}', archiveLogs: true },
};
const facts = (reference: { configMap?: string; key?: string }, value: FactValue) =>
  new Map([[factId({ kind: 'artifactRepository', namespace: 'lab', ...reference }), value]]);

describe('the artifact repository of a workflow', () => {
  it('is the one that it refers to, kept in the status', () => {
    const reference = { key: 'mine' };
    const orders: object[] = [];
    const { status } = runSimulated(workflow(reference), {
      facts: facts(reference, FOUND),
      onDecision: ({ commands }) => {
        for (const command of commands) if (command.type === 'runPod') orders.push(command.order);
      },
    }).workflow;
    expect(status?.artifactRepositoryRef).toEqual({
      configMap: 'artifact-repositories',
      key: 'mine',
      namespace: 'lab',
      artifactRepository: { archiveLogs: true, s3: { bucket: 'own', keyFormat: 'logs/{{workflow.name}}' } },
    });
    expect(orders).toMatchObject([
      {
        repository: { s3: { bucket: 'own' } },
        archiveLogs: true,
        archiveKey: 'logs/kept',
        template: { outputs: { artifacts: [{ name: 'o', s3: { bucket: 'own', key: 'logs/kept/o.tgz' } }] } },
      },
    ]);
  });

  it('is the controller’s where its namespace has no default', () => {
    const { status } = runSimulated(workflow()).workflow;
    expect(status?.artifactRepositoryRef).toMatchObject({ default: true, artifactRepository: { s3: { bucket: 'my-bucket' } } });
  });

  it('ends the workflow in Error where it refers to nothing, or to what cannot be read', () => {
    const reference = { configMap: 'stores', key: 'gone' };
    expect(runSimulated(workflow(reference)).workflow.status).toMatchObject({
      phase: 'Error',
      message: 'failed to get artifact repository: artifact repository ref "stores#gone" not found',
    });
    const problem = { kind: 'repository', problem: 'the entry is no repository' } as const;
    expect(runSimulated(workflow(reference), { facts: facts(reference, problem) }).workflow.status).toMatchObject({
      phase: 'Error',
      message: 'the entry is no repository',
    });
  });
});
