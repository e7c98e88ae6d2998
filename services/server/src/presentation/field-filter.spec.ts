import { describe, expect, it } from 'vitest';
import { FieldFilter } from './field-filter.js';

const workflow = {
  metadata: { name: 'w', labels: { a: '1' } },
  spec: { nodeSelector: { x: 'y' }, templates: [{ name: 'main', container: { image: 'i' } }] },
  status: { phase: 'Running', nodes: { n: { id: 'n', phase: 'Running' } } },
};

describe('FieldFilter', () => {
  it('keeps everything without a request', () => {
    expect(new FieldFilter(undefined).apply(workflow)).toBe(workflow);
  });

  it('keeps a named path with all that is below it, and nothing else', () => {
    expect(new FieldFilter('metadata.name,status.nodes').apply(workflow)).toEqual({
      metadata: { name: 'w' },
      status: { nodes: { n: { id: 'n', phase: 'Running' } } },
    });
  });

  it('looks through lists', () => {
    expect(new FieldFilter('spec.templates.name').apply(workflow)).toEqual({ spec: { templates: [{ name: 'main' }] } });
  });

  it('drops exactly the named paths after a leading minus', () => {
    expect(new FieldFilter('-status.nodes,spec').apply(workflow)).toEqual({
      metadata: workflow.metadata,
      status: { phase: 'Running' },
    });
  });

  it('keeps a sibling whose path begins a requested one, as Argo does', () => {
    expect(new FieldFilter('spec.nodeSelectorX').apply(workflow)).toEqual({ spec: { nodeSelector: {} } });
  });

  it('says whether an expensive part is wanted at all', () => {
    expect(new FieldFilter('metadata,items.status.phase').keeps('items.status.nodes')).toBe(false);
    expect(new FieldFilter('items.status').keeps('items.status.nodes')).toBe(true);
    expect(new FieldFilter('-items.status.nodes').keeps('items.status.nodes')).toBe(false);
  });
});
