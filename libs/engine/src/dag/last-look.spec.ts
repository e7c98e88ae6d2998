import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import type { DAGTask, Template, Workflow } from '#libs/workflow-spec';

const leaf = (name: string, ms: number): Template => ({
  name,
  container: { image: 'sim', command: ['sim'], args: ['result=ok', `ms=${ms}`] },
});
const workflow = (...more: DAGTask[]): Workflow => ({
  metadata: { name: 'last' },
  spec: {
    entrypoint: 'main',
    templates: [
      {
        name: 'main',
        dag: {
          tasks: [
            { name: 'a', template: 'short' },
            { name: 'b', template: 'short', withItems: [1, 2], when: 'false', onExit: 'short', dependencies: ['a'] },
            ...more,
          ],
        },
      },
      leaf('short', 10),
      leaf('long', 500),
    ],
  },
});
const hasExit = (...more: DAGTask[]): boolean => {
  const { status } = runSimulated(workflow(...more)).workflow;
  expect(status?.phase).toBe('Succeeded');
  return Object.values(status?.nodes ?? {}).some(({ name }) => name === 'last.b.onExit');
};

describe('a loop of a DAG none of whose members runs', () => {
  it('has no exit handler where the DAG has ended with it', () => {
    expect(hasExit()).toBe(false);
  });

  it('has one where the DAG is looked at again', () => {
    expect(hasExit({ name: 'c', template: 'long' })).toBe(true);
  });
});
