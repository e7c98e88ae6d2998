import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';

describe('a loop whose list comes out as empty text', () => {
  it('is one pod under the name of the loop that shows itself as the loop', () => {
    const { workflow } = runSimulated({
      metadata: { name: 'empty', namespace: 'lab' },
      spec: {
        entrypoint: 'main',
        templates: [
          {
            name: 'main',
            dag: {
              tasks: [
                { name: 'a', template: 'leaf' },
                { name: 'b', template: 'leaf', withParam: '{{tasks.a.outputs.result}}', dependencies: ['a'] },
              ],
            },
          },
          {
            name: 'leaf',
            inputs: { parameters: [{ name: 'p', default: 'x' }] },
            container: { image: 'sim', command: ['sim'], args: [] },
          },
        ],
      },
    });
    const loop = Object.values(workflow.status?.nodes ?? {}).find(({ displayName }) => displayName === 'b');
    expect(loop).toMatchObject({ type: 'TaskGroup', phase: 'Succeeded', outputs: { exitCode: '0' } });
    expect(loop).not.toHaveProperty('inputs');
    expect(workflow.status?.progress).toBe('1/1');
  });
});
