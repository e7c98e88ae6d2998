import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { factId, type FactValue } from '../contract.js';

const REFERENCE = { key: 'mine' };
const written = (archiveLogs: boolean | undefined): { archiveLogs?: boolean } =>
  archiveLogs === undefined ? {} : { archiveLogs };

/** Whether the pod of a workflow is ordered to keep its logs. */
const keepsLogs = (repository?: boolean, spec?: boolean, template?: boolean): boolean | undefined => {
  const workflow = {
    ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { name: 'logs', namespace: 'lab' } },
    spec: {
      ...{ entrypoint: 'main', artifactRepositoryRef: REFERENCE, ...written(spec) },
      templates: [
        {
          name: 'main',
          ...(template === undefined ? {} : { archiveLocation: written(template) }),
          container: { image: 'sim', command: ['sim'] },
        },
      ],
    },
  } as Workflow;
  const value: FactValue = {
    kind: 'repository',
    reference: { configMap: 'artifact-repositories', namespace: 'lab', ...REFERENCE },
    repository: { location: { s3: { bucket: 'own' } }, ...written(repository) },
  };
  let kept: boolean | undefined;
  runSimulated(workflow, {
    facts: new Map([[factId({ kind: 'artifactRepository', namespace: 'lab', ...REFERENCE }), value]]),
    onDecision: ({ commands }) => {
      for (const command of commands) if (command.type === 'runPod') kept = command.order.archiveLogs;
    },
  });
  return kept;
};

describe('archiveLogs', () => {
  it.each<[where: string, written: (boolean | undefined)[], expected: boolean]>([
    ['nowhere', [undefined, undefined, undefined], false],
    ['in the repository', [true, undefined, undefined], true],
    ['in the repository, against the others', [true, false, false], true],
    ['off in the repository, which does not count', [false, true, undefined], true],
    ['in the workflow', [undefined, true, undefined], true],
    ['in the template', [undefined, undefined, true], true],
    ['in the template, against the workflow', [undefined, false, true], true],
    ['off in the template, against the workflow', [undefined, true, false], false],
  ])('written %s', (_where, [repository, spec, template], expected) => {
    expect(keepsLogs(repository, spec, template)).toBe(expected);
  });
});
