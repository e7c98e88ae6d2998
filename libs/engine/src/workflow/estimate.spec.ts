import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import { LabelName, type Workflow } from '#libs/workflow-spec';
import { factId, type FactValue } from '../index.js';

const workflow: Workflow = {
  metadata: { name: 'again', namespace: 'lab', labels: { [LabelName.cronWorkflow]: 'nightly' } },
  spec: {
    entrypoint: 'main',
    templates: [
      { name: 'main', steps: [[{ name: 'a', template: 'leaf' }]] },
      { name: 'leaf', container: { image: 'sim', command: ['sim'] } },
    ],
  },
};
const key = factId({ kind: 'baseline', namespace: 'lab', label: LabelName.cronWorkflow, value: 'nightly' });

describe('estimates', () => {
  it('are what the last good run of the same schedule took, as a whole and node by node', () => {
    const baseline: FactValue = { kind: 'baseline', seconds: 90, nodeSeconds: { '': 90, '[0].a': 80 } };
    const { status } = runSimulated(workflow, { facts: new Map([[key, baseline]]) }).workflow;
    expect(status?.estimatedDuration).toBe(90);
    const estimates = Object.values(status?.nodes ?? {}).map(({ name, estimatedDuration }) => [name, estimatedDuration]);
    expect(estimates).toContainEqual(['again', 90]);
    expect(estimates).toContainEqual(['again[0].a', 80]);
  });

  it('are left out where there was no such run', () => {
    const { status } = runSimulated(workflow).workflow;
    expect(status?.phase).toBe('Succeeded');
    expect(status?.estimatedDuration).toBeUndefined();
  });
});
