import { describe, expect, it } from 'vitest';
import { runSimulated, type SimulationOptions } from '#libs/testing';
import type { NodeStatus, Template, Workflow } from '#libs/workflow-spec';

const leaf = (name: string): Template => ({ name, container: { image: 'sim', command: ['sim'], args: ['result=ok'] } });
const watched = (name: string) => ({
  name,
  template: 'leaf',
  hooks: { seen: { template: 'hook', expression: `steps.${name}.status == "Running"` } },
});

const stepsOf = (names: readonly string[], more: Partial<Template> = {}): Workflow => ({
  metadata: { name: 'short', namespace: 'lab' },
  spec: {
    entrypoint: 'main',
    templates: [{ name: 'main', steps: [names.map(watched)], ...more }, leaf('leaf'), leaf('hook')],
  },
});

const nodesOf = (workflow: Workflow, options: SimulationOptions = {}): NodeStatus[] =>
  Object.values(runSimulated(workflow, { endsOnly: true, ...options }).workflow.status?.nodes ?? {});

const hooksOf = (workflow: Workflow, options: SimulationOptions = {}): string[] =>
  nodesOf(workflow, options).flatMap(({ displayName, nodeFlag }) => (nodeFlag?.hooked === true ? [displayName ?? ''] : []));

describe('hooks on pods that nobody saw running', () => {
  it('fire before the end of a pod of which only the end is known', () => {
    expect(hooksOf(stepsOf(['a']))).toEqual(['a.hooks.seen']);
  });

  it('fire when nothing is remembered between two decisions', () => {
    expect(hooksOf(stepsOf(['a', 'b']), { forgetful: true })).toEqual(['a.hooks.seen', 'b.hooks.seen']);
  });

  it('fire before the end where the decision in which it comes is cut', () => {
    expect(hooksOf(stepsOf(['a', 'b']), { maxChanges: 1 }).sort()).toEqual(['a.hooks.seen', 'b.hooks.seen']);
  });

  it('do not fire for the first of many pods that were made together', () => {
    expect(hooksOf(stepsOf(['a', 'b', 'c', 'd']))).toEqual(['c.hooks.seen', 'd.hooks.seen']);
  });

  it('fire for all of them where their beginning is reported', () => {
    expect(hooksOf(stepsOf(['a', 'b', 'c']), { endsOnly: false })).toHaveLength(3);
  });
});

describe('hooks of steps that find no free slot', () => {
  const limited = stepsOf(['a', 'b'], { parallelism: 1 });

  it('are an error of the step group when its pod has ended', () => {
    const nodes = nodesOf(limited, { endsOnly: false });
    expect(nodes.find(({ type }) => type === 'StepGroup')).toMatchObject({ phase: 'Error', message: 'Max parallelism reached' });
    expect(nodes.find(({ type }) => type === 'Steps')).toMatchObject({ phase: 'Failed', message: 'Max parallelism reached' });
    expect(nodes.find(({ displayName }) => displayName === 'a')?.phase).toBe('Succeeded');
  });

  it('are given up, and the group says so, where it was just made', () => {
    const early = { expression: 'steps.a.status == "Running"', template: 'hook' };
    const group = [
      { name: 'a', template: 'pause', hooks: { seen: early } },
      { name: 'b', template: 'leaf' },
    ];
    const nodes = nodesOf({
      metadata: { name: 'short', namespace: 'lab' },
      spec: {
        entrypoint: 'main',
        parallelism: 1,
        templates: [{ name: 'main', steps: [group] }, { name: 'pause', suspend: { duration: '1' } }, leaf('leaf'), leaf('hook')],
      },
    });
    expect(nodes.find(({ type }) => type === 'StepGroup')).toMatchObject({
      phase: 'Succeeded',
      message: 'Max parallelism reached',
    });
    expect(nodes.map(({ displayName }) => displayName)).not.toContain('a.hooks.seen');
  });
});
