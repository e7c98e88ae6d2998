import { describe, expect, it } from 'vitest';
import { runSimulated, type SimulatedRun, type SimulationOptions } from '#libs/testing';
import type { Memoize, NodeStatus, Template, Workflow } from '#libs/workflow-spec';
import { memoId, type FactValue, type MemoEntry } from '../index.js';

const CACHE: Memoize = { key: 'greeting-{{inputs.parameters.who}}', maxAge: '1h', cache: { configMap: { name: 'known' } } };

const greet = (memoize: Memoize): Template => ({
  name: 'greet',
  memoize,
  inputs: { parameters: [{ name: 'who' }] },
  outputs: { parameters: [{ name: 'text', valueFrom: { path: '/tmp/text' } }] },
  container: { image: 'sim', command: ['sim'], args: ['out.text=hello-{{inputs.parameters.who}}'] },
});

const call = (name: string, who: string) => ({
  name,
  template: 'greet',
  arguments: { parameters: [{ name: 'who', value: who }] },
});

const workflow = (memoize: Memoize, more: Partial<Template> = {}): Workflow => ({
  metadata: { name: 'memo' },
  spec: {
    entrypoint: 'main',
    templates: [
      { name: 'main', steps: [[call('first', 'bob')], [call('second', 'bob')], [call('third', 'eve')]] },
      { ...greet(memoize), ...more },
    ],
  },
});

const nodeOf = ({ workflow: { status } }: SimulatedRun, displayName: string): NodeStatus | undefined =>
  Object.values(status?.nodes ?? {}).find((node) => node.displayName === displayName);

const podsOf = ({ commands }: SimulatedRun): string[] =>
  commands.flatMap((command) => (command.type === 'runPod' ? [command.order.nodeName] : []));

const place = { namespace: 'lab', cache: { configMap: 'known' }, key: 'greeting-bob' };
const storedAt = (creationTimestamp: string): ReadonlyMap<string, FactValue> => {
  const outputs = { parameters: [{ name: 'text', value: 'from before' }] };
  const entry: MemoEntry = { nodeID: 'other-1', outputs, creationTimestamp, lastHitTimestamp: creationTimestamp };
  return new Map([[memoId(place), { kind: 'memo', entry }]]);
};

describe('memoization', () => {
  it('remembers what a template gave, and takes it from there the next time', () => {
    const run = runSimulated(workflow(CACHE));
    expect(podsOf(run)).toEqual(['memo[0].first', 'memo[2].third']);
    expect(nodeOf(run, 'first')?.memoizationStatus).toEqual({ hit: false, key: 'greeting-bob', cacheName: 'known' });
    expect(nodeOf(run, 'second')).toMatchObject({
      type: 'Pod',
      phase: 'Succeeded',
      progress: '1/1',
      outputs: { parameters: [{ name: 'text', value: 'hello-bob' }] },
      memoizationStatus: { hit: true, key: 'greeting-bob', cacheName: 'known' },
    });
    expect(run.workflow.status?.phase).toBe('Succeeded');
  });

  it('saves each entry under its key with the fields of Argo', () => {
    const saved = runSimulated(workflow(CACHE)).commands.filter(({ type }) => type === 'saveMemo');
    expect(saved).toMatchObject([
      { at: place, entry: { outputs: { parameters: [{ name: 'text', value: 'hello-bob' }] } } },
      { at: { ...place, key: 'greeting-eve' } },
    ]);
    expect(Object.keys((saved[0] as unknown as { entry: MemoEntry }).entry)).toEqual([
      'nodeID',
      'outputs',
      'creationTimestamp',
      'lastHitTimestamp',
    ]);
  });

  it('uses an entry of another workflow as long as it is not older than maxAge', () => {
    const fresh = runSimulated(workflow(CACHE), { facts: storedAt('2023-12-31T23:30:00Z') });
    expect(podsOf(fresh)).toEqual(['memo[2].third']);
    expect(nodeOf(fresh, 'first')?.outputs?.parameters?.[0]?.value).toBe('from before');
    const stale = runSimulated(workflow(CACHE), { facts: storedAt('2023-12-31T22:30:00Z') });
    expect(podsOf(stale)).toEqual(['memo[0].first', 'memo[2].third']);
  });

  it('remembers a series of attempts and whole Steps as one', () => {
    const retried = runSimulated(workflow(CACHE, { retryStrategy: { limit: '2' } }));
    expect(nodeOf(retried, 'first')).toMatchObject({ type: 'Retry', memoizationStatus: { hit: false } });
    expect(podsOf(retried)).toEqual(['memo[0].first(0)', 'memo[2].third(0)']);
  });

  it.each<[string, SimulationOptions]>([
    ['from rows alone', { forgetful: true }],
    ['with lost decisions', { losingEvery: 3 }],
    ['report by report', { oneByOne: true, decidingTwice: true }],
  ])('gives the same tree however it is driven (%s)', (_how, options) => {
    const tree = ({ workflow: { status } }: SimulatedRun) =>
      Object.values(status?.nodes ?? {}).map(({ name, phase, memoizationStatus }) => [name, phase, memoizationStatus]);
    expect(tree(runSimulated(workflow(CACHE), options))).toEqual(tree(runSimulated(workflow(CACHE))));
  });

  it('keeps nothing of what failed', () => {
    const run = runSimulated(workflow(CACHE, { container: { image: 'sim', command: ['sim'], args: ['exit=1'] } }));
    expect(run.commands.some(({ type }) => type === 'saveMemo')).toBe(false);
  });

  it('knows tables of our own beside ConfigMaps', () => {
    const run = runSimulated(workflow({ ...CACHE, cache: { database: { name: 'large' } } }));
    expect(podsOf(run)).toHaveLength(2);
    expect(run.commands.find(({ type }) => type === 'saveMemo')).toMatchObject({ at: { cache: { database: 'large' } } });
  });

  it.each<[string, Memoize, string]>([
    ['a key with other signs', { ...CACHE, key: 'a b' }, 'invalid cache key: a b'],
    ['no cache', { key: 'a' }, 'cache could not be found or created'],
    ['an age that is no duration', { ...CACHE, maxAge: '1 day' }, 'invalid maxAge: time: invalid duration "1 day"'],
  ])('is an error of the node where there is %s', (_what, memoize, message) => {
    expect(nodeOf(runSimulated(workflow(memoize)), 'first')).toMatchObject({ phase: 'Error', message });
  });

  it('is an error of the node where the ConfigMap is no cache', () => {
    const facts = new Map<string, FactValue>([[memoId(place), { kind: 'memo', problem: 'ConfigMap "known" is no cache' }]]);
    expect(nodeOf(runSimulated(workflow(CACHE), { facts }), 'first')).toMatchObject({
      phase: 'Error',
      message: 'ConfigMap "known" is no cache',
    });
  });
});
