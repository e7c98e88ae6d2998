import { describe, expect, it } from 'vitest';
import { StoreCorruptError, StoreStatementError, StoreUnavailableError } from '#libs/store';
import { type NodeStatus, UserError } from '#libs/workflow-spec';
import { NodesAwayError, OffloadedNodes } from './offloaded-nodes.js';

type Nodes = Record<string, NodeStatus>;
const NODES: Nodes = { a: { id: 'a', name: 'a', type: 'Pod' } };

const world = () => {
  const asked: string[] = [];
  const lines: string[] = [];
  const now = { ms: 0 };
  const answer: { now: () => Promise<Nodes | undefined> } = { now: () => Promise.resolve(NODES) };
  const nodes = new OffloadedNodes({
    read: (uid, version) => {
      asked.push(`${uid}/${version}`);
      return answer.now();
    },
    clock: { nowMs: () => now.ms },
    logger: { warn: (line: string) => void lines.push(line), info: (line: string) => void lines.push(line) },
    patienceMs: 5,
  });
  return { nodes, asked, lines, now, answer };
};

describe('offloaded nodes', () => {
  it('are read where they are, and missing where they are not', async () => {
    const { nodes, answer, lines } = world();
    expect(await nodes.read('u', 'fnv:1')).toBe(NODES);
    answer.now = () => Promise.resolve(undefined);
    expect(await nodes.read('u', 'fnv:2')).toBeUndefined();
    expect(lines).toEqual([]);
  });

  it.each([
    ['is away', new StoreUnavailableError('no connection')],
    ['refuses', new StoreStatementError('permission denied', '42501')],
    ['has an account that may not be read', new UserError('secrets "argo" is forbidden')],
  ])('are waited for while their database %s: it is asked now and then, and both ends are said once', async (_what, error) => {
    const { nodes, answer, asked, lines, now } = world();
    answer.now = () => Promise.reject(error);
    await expect(nodes.read('u', 'fnv:1')).rejects.toThrow(NodesAwayError);
    await expect(nodes.read('v', 'fnv:1')).rejects.toThrow(error.message);
    expect(asked).toEqual(['u/fnv:1']);
    now.ms += 1_000;
    await expect(nodes.read('v', 'fnv:1')).rejects.toThrow(NodesAwayError);
    now.ms += 1_000;
    answer.now = () => Promise.resolve(NODES);
    expect(await nodes.read('u', 'fnv:1')).toBe(NODES);
    expect(await nodes.read('v', 'fnv:1')).toBe(NODES);
    expect(asked).toEqual(['u/fnv:1', 'v/fnv:1', 'u/fnv:1', 'v/fnv:1']);
    expect(lines).toEqual([
      'offloaded nodes cannot be read now; workflows whose nodes they are wait',
      'offloaded nodes can be read again',
    ]);
  });

  it('that come late are kept for the next try, and keep nobody waiting', async () => {
    const { nodes, answer, asked, now } = world();
    let come: (found: Nodes) => void = () => undefined;
    answer.now = () => new Promise((resolve) => (come = resolve));
    await expect(nodes.read('u', 'fnv:1')).rejects.toThrow('has not answered for 5 ms');
    come(NODES);
    now.ms += 1_000;
    expect(await nodes.read('u', 'fnv:1')).toBe(NODES);
    expect(asked).toEqual(['u/fnv:1']);
  });

  it('are asked for more seldom the longer asking takes', async () => {
    const { nodes, answer, asked, now } = world();
    answer.now = () => {
      now.ms += 700;
      return Promise.reject(new StoreUnavailableError('no connection'));
    };
    for (let tries = 0; tries < 9; tries += 1) {
      await expect(nodes.read('u', 'fnv:1')).rejects.toThrow(NodesAwayError);
      now.ms += 1_000;
    }
    expect(asked).toHaveLength(2);
  });

  it('that cannot be understood are no reason to wait', async () => {
    const { nodes, answer } = world();
    answer.now = () => Promise.reject(new StoreCorruptError('no JSON'));
    await expect(nodes.read('u', 'fnv:1')).rejects.toThrow(StoreCorruptError);
    answer.now = () => Promise.resolve(NODES);
    expect(await nodes.read('u', 'fnv:1')).toBe(NODES);
  });
});
