import type { NodeStatus } from '#libs/workflow-spec';
import { describe, expect, it } from 'vitest';
import { nodeFilterOf } from './node-filter.js';

const nodes = [
  { id: '1', name: 'w.a', displayName: 'a', phase: 'Failed' },
  { id: '2', name: 'w.b', displayName: 'b', phase: 'Failed' },
  { id: '3', name: 'w.c', displayName: 'c', phase: 'Succeeded' },
] as unknown as NodeStatus[];
const shown = (flags: Parameters<typeof nodeFilterOf>[0]): string[] => {
  const hides = nodeFilterOf(flags);
  return nodes.filter((node) => !hides(node)).map(({ id }) => id);
};

describe('the nodes that are shown', () => {
  it('are all, or those in the phases that are asked for', () => {
    expect(shown({})).toEqual(['1', '2', '3']);
    expect(shown({ status: 'Succeeded,Running' })).toEqual(['3']);
  });

  it('are those that a field selector finds', () => {
    expect(shown({ nodeFieldSelector: 'displayName!=a' })).toEqual(['2', '3']);
    expect(shown({ status: 'Failed', nodeFieldSelector: 'name=w.b' })).toEqual(['2']);
    expect(() => shown({ nodeFieldSelector: 'nonsense' })).toThrow("can't understand 'nonsense'");
  });
});
