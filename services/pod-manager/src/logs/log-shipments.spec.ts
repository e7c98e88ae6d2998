import { Readable } from 'node:stream';
import type { LogChunk, LogObjects } from '#libs/execution';
import type { PodManifest } from '#libs/pod-spec';
import type { PodIdentity, PodObservation, PodRuntime } from '#libs/runtimes';
import type { LogShipment as Row } from '#libs/store';
import { eventually, quietLogger, simPod } from '#libs/testing';
import { TransientError, type ArtifactLocation } from '#libs/workflow-spec';
import { beforeEach, describe, expect, it } from 'vitest';
import { leftOverLogs, withShippedLogs } from './left-over-logs.js';
import { LogShipments } from './log-shipments.js';
import { shippingRuntime } from './shipping-runtime.js';

const KEY = 'wf/pod/main.log';
const identity: PodIdentity = { workflowUid: 'wf-1', nodeId: 'node-1', incarnation: 1 };
const work = { archiveLogs: true, archiveKey: 'wf/pod', repository: { s3: { bucket: 'b', endpoint: 'e' } } };
const manifest: PodManifest = simPod(['result=x'], { ...identity, work });
const NAMED = [{ name: 'main-logs', s3: { key: KEY } }];
const logger = quietLogger as never;

let objects: Map<string, string>;
let rows: Map<string, Row & { state: string }>;
let isStoreAway: boolean;
let printed: string;
let hasEnded: boolean;
let nowMs: number;
let calls: string[];

const drivers: LogObjects = {
  driverFor: () => {
    if (isStoreAway) throw new TransientError('the store is away');
    const keyOf = ({ s3 }: ArtifactLocation): string => String(s3?.key);
    return {
      load: async (location) => Readable.from([Buffer.from(objects.get(keyOf(location)) ?? '')]),
      save: async (location, body) =>
        void objects.set(keyOf(location), Buffer.concat((await body.toArray()) as Buffer[]).toString()),
      async *list(location) {
        calls.push('list');
        for (const [key, text] of objects) if (key.startsWith(`${keyOf(location)}/`)) yield { key, sizeBytes: text.length };
      },
      delete: async (location) => void objects.delete(keyOf(location)),
      head: async (location) => {
        const text = objects.get(keyOf(location));
        return text === undefined ? undefined : { sizeBytes: text.length, metadata: {} };
      },
    };
  },
};

const keyText = (key: PodIdentity): string => `${key.workflowUid}/${key.nodeId}/${key.incarnation}`;

const repository = {
  begin: async (row: Omit<Row, 'attempts'>) => void rows.set(keyText(row.key), { ...row, attempts: 0, state: 'open' }),
  end: async (key: PodIdentity) => void rows.set(keyText(key), { ...(rows.get(keyText(key)) as Row), state: 'ended' }),
  finish: async (key: PodIdentity) => void rows.delete(keyText(key)),
  recordFailure: async (key: PodIdentity) => {
    const row = rows.get(keyText(key)) as Row;
    rows.set(keyText(key), { ...row, attempts: row.attempts + 1, state: 'ended' });
  },
  ofPods: async (keys: readonly PodIdentity[]) => keys.flatMap((key) => rows.get(keyText(key)) ?? []),
  due: async () => [...rows.values()].filter(({ state }) => state === 'ended'),
};

/** A runtime whose only pod has printed `printed`, and prints on until it has ended. */
const podRuntime = (): Pick<PodRuntime, 'logs' | 'logBytes'> => ({
  async *logs() {
    // Bytes are asked for.
  },
  async *logBytes(_identity, { fromByte, signal }): AsyncGenerator<LogChunk> {
    for (let at = fromByte; !signal.aborted;) {
      const isLast = hasEnded;
      const bytes = Buffer.from(printed).subarray(at);
      at += bytes.length;
      if (bytes.length > 0) yield { bytes, atMs: nowMs };
      if (isLast) {
        calls.push('read to the end');
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  },
});

/** A pod-manager's part in logs; `segmentMs` is how soon it begins and how often it ships. */
const shipments = (segmentMs = 5, manifestOf: () => Promise<PodManifest> = async () => manifest): LogShipments =>
  new LogShipments({
    rows: repository,
    manifestOf,
    runtime: podRuntime(),
    objects: drivers,
    clock: { nowMs: () => nowMs },
    logger,
    host: 'here',
    settings: { segmentBytes: 1024, segmentMs, bufferBytes: 4096 },
  });

const shipped = (): string =>
  [...objects]
    .filter(([key]) => key.startsWith(`${KEY}.segments/1/`))
    .sort()
    .map(([, text]) => text)
    .join('');
const untilShipped = (text: string): Promise<void> =>
  eventually(
    () => shipped() === text,
    () => `shipped is ${shipped()}`,
    5_000,
  );

const untilRead = (): Promise<void> =>
  eventually(
    () => calls.includes('read to the end'),
    () => 'the log is read to its end',
    5_000,
  );

const end = (phase: PodObservation['phase'], facts: Partial<PodObservation> = {}): PodObservation => ({
  identity,
  phase,
  ...facts,
});
const captured = end('Succeeded', { outputs: { artifacts: NAMED } });

beforeEach(() => {
  objects = new Map();
  rows = new Map();
  isStoreAway = false;
  printed = 'one\n';
  hasEnded = false;
  nowMs = 1_000_000;
  calls = [];
});

describe('logs of running pods', () => {
  it('of a pod that is over soon cost nothing: neither the store nor the database is asked', async () => {
    const logs = shipments(60_000);
    logs.begin(identity, manifest, true);
    expect(await logs.ended(captured)).toEqual(captured);
    await logs.settled();
    expect([calls, [...rows.keys()], [...objects.keys()]]).toEqual([[], [], []]);
  });

  it('of a pod that does not archive them are not shipped', async () => {
    const logs = shipments();
    const plain = simPod(['result=x'], { ...identity, work: { ...work, archiveLogs: false } });
    logs.begin(identity, plain, true);
    expect(await logs.ended(end('Gone'))).toEqual(end('Gone'));
    await logs.settled();
    expect(rows.size).toBe(0);
  });

  it('are in the store while it runs, and their segments go when the log was saved from the pod', async () => {
    const logs = shipments();
    logs.begin(identity, manifest, true);
    await untilShipped('one\n');
    printed += 'two\n';
    await untilShipped('one\ntwo\n');
    objects.set(KEY, printed);
    hasEnded = true;
    expect(await logs.ended(captured)).toEqual(captured);
    logs.recorded(identity);
    await logs.settled();
    expect([[...objects], [...rows.keys()]]).toEqual([[[KEY, 'one\ntwo\n']], []]);
  });

  it('of a lost pod become its log, last words included, and its report names it however often it is given', async () => {
    const logs = shipments();
    logs.begin(identity, manifest, true);
    await untilShipped('one\n');
    printed += 'last words';
    hasEnded = true;
    const expected = end('Gone', { outputs: { artifacts: NAMED } });
    expect(await logs.ended(end('Gone'))).toEqual(expected);
    expect(await logs.ended(end('Gone'))).toEqual(expected);
    await logs.settled();
    expect([[...objects], [...rows.keys()]]).toEqual([[[KEY, 'one\nlast words']], []]);
  });

  it('of a pod that a dead predecessor shipped go on where it stopped', async () => {
    const first = shipments();
    first.begin(identity, manifest, true);
    await untilShipped('one\n');
    await first.close();
    printed += 'two\n';
    const second = shipments();
    second.meet(identity);
    await untilShipped('one\ntwo\n');
    hasEnded = true;
    await second.ended(end('Gone'));
    await second.settled();
    expect([...objects]).toEqual([[KEY, 'one\ntwo\n']]);
  });

  it('of a pod whose loss is met first by the next process are finished by it', async () => {
    const first = shipments();
    first.begin(identity, manifest, true);
    await untilShipped('one\n');
    await first.close();
    hasEnded = true;
    const second = shipments();
    expect(await second.ended(end('Gone'))).toEqual(end('Gone', { outputs: { artifacts: NAMED } }));
    await second.settled();
    expect([...objects]).toEqual([[KEY, 'one\n']]);
    expect(await second.ended({ ...end('Gone'), identity: { ...identity, nodeId: 'unknown' } })).not.toHaveProperty('outputs');
  });

  it('are shipped to the end before the pod is deleted with its files', async () => {
    const logs = shipments(20);
    logs.begin(identity, manifest, true);
    await untilShipped('one\n');
    printed += 'two\n';
    hasEnded = true;
    await logs.beforeDeletion(identity);
    printed = '';
    await logs.settled();
    expect([...objects]).toEqual([[KEY, 'one\ntwo\n']]);
  });

  it('are finished later where the store is away at the end, by whoever is there', async () => {
    const logs = shipments();
    logs.begin(identity, manifest, true);
    await untilShipped('one\n');
    hasEnded = true;
    // All is read and shipped; what is away is only what finishing needs.
    await eventually(
      () => calls.includes('read to the end'),
      () => 'the log is read to its end',
      5_000,
    );
    isStoreAway = true;
    await logs.ended(end('Gone'));
    await logs.settled();
    expect([...rows.values()].map(({ state, attempts }) => [state, attempts])).toEqual([['ended', 1]]);
    isStoreAway = false;
    const lease = { run: async (_name: string, task: () => Promise<unknown>) => ({ ran: true, result: await task() }) } as never;
    await leftOverLogs({ rows: repository, objects: drivers, lease, clock: { nowMs: () => nowMs }, logger }).run();
    expect([[...objects], [...rows.keys()]]).toEqual([[[KEY, 'one\n']], []]);
  });

  it('of a lost host are named by the report of its pods, and due at once', async () => {
    const logs = shipments();
    logs.begin(identity, manifest, true);
    await untilShipped('one\n');
    await logs.close();
    const other = { ...identity, nodeId: 'other' };
    const found = await withShippedLogs([end('Gone'), { identity: other, phase: 'Gone' }], {
      rows: repository,
      clock: { nowMs: () => nowMs },
    });
    expect(found).toEqual([end('Gone', { outputs: { artifacts: NAMED } }), { identity: other, phase: 'Gone' }]);
    expect([...rows.values()].map(({ state }) => state)).toEqual(['ended']);
  });

  it('of a pod that another process follows from now on are left to it, which goes on behind them', async () => {
    const first = shipments();
    first.begin(identity, manifest, true);
    await untilShipped('one\n');
    first.keep(() => false);
    printed += 'two\n';
    const second = shipments();
    second.meet(identity);
    await untilShipped('one\ntwo\n');
    hasEnded = true;
    expect(await first.ended(captured)).toEqual(captured);
    await second.ended(captured);
    await Promise.all([first.settled(), second.settled()]);
    expect([[...objects], [...rows.keys()]]).toEqual([[], []]);
  });

  it('of a pod that was over soon are not looked for by those who only met it', async () => {
    let asked = 0;
    const logs = shipments(60_000, async () => {
      asked += 1;
      return manifest;
    });
    logs.meet(identity);
    expect(await logs.ended(captured)).toEqual(captured);
    logs.recorded(identity);
    await logs.close();
    expect([asked, calls, rows.size]).toEqual([0, [], 0]);
  });

  it('of an evicted pod become its log, whoever is told of its end', async () => {
    const first = shipments();
    first.begin(identity, manifest, true);
    await untilShipped('one\n');
    await first.close();
    hasEnded = true;
    const evicted = end('Failed', { infrastructure: true, message: 'evicted' });
    const second = shipments();
    second.meet(identity);
    await untilRead();
    expect(await second.ended(evicted)).toEqual({ ...evicted, outputs: { artifacts: NAMED } });
    await second.settled();
    expect([...objects]).toEqual([[KEY, 'one\n']]);
  });

  it('are begun by the process that follows the pod, not by the one that has made it', async () => {
    const inner = {
      ...podRuntime(),
      name: 'inner',
      start: async () => undefined,
      followShards: async () => true,
      followsPod: () => false,
      create: async () => ({ type: 'created' as const }),
      close: async () => undefined,
    } as unknown as PodRuntime;
    const logs = shipments();
    const runtime = shippingRuntime(inner, logs);
    await runtime.create(identity, manifest);
    logs.begin({ ...identity, nodeId: 'moved' }, manifest, true);
    expect([await runtime.followShards?.([]), runtime.followsPod?.(identity)]).toEqual([true, false]);
    await logs.ended(end('Gone'));
    await runtime.close();
    expect([rows.size, objects.size]).toEqual([0, 0]);
  });

  it('are shipped by a runtime around another, which keeps what it can do', async () => {
    let observe: (seen: PodObservation[]) => Promise<void> = async () => undefined;
    const inner = {
      ...podRuntime(),
      name: 'inner',
      start: async (given: typeof observe) => void (observe = given),
      create: async () => ({ type: 'created' as const }),
      delete: async () => void calls.push('deleted'),
      close: async () => undefined,
    } as unknown as PodRuntime;
    const logs = shipments();
    const runtime = shippingRuntime(inner, logs);
    const seen: PodObservation[] = [];
    await runtime.start(async (observations) => void seen.push(...observations));
    await runtime.create(identity, manifest);
    await observe([end('Running')]);
    await untilShipped('one\n');
    hasEnded = true;
    await observe([end('Gone')]);
    await runtime.delete(identity);
    await runtime.close();
    expect(seen).toEqual([end('Running'), end('Gone', { outputs: { artifacts: NAMED } })]);
    expect([[...objects], calls.includes('deleted'), 'createClaim' in runtime]).toEqual([[[KEY, 'one\n']], true, false]);
  });
});
