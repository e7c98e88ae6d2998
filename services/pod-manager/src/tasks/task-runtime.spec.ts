import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { PodManifest } from '#libs/pod-spec';
import type { CreateOutcome, PodIdentity, PodObservation, PodRuntime } from '#libs/runtimes';
import type { TaskRow } from '#libs/store';
import { TransientError } from '#libs/workflow-spec';
import { MadePods } from './side-pods/made-pods.js';
import { SidePods } from './side-pods/side-pods.js';
import { TaskRuntime } from './task-runtime.js';
import { TaskError, type TaskEnd, type TaskRun } from './task.js';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };
const identity = (nodeId: string): PodIdentity => ({ workflowUid: 'w', nodeId, incarnation: 1 });
const taskManifest = (deadlineMs?: number): PodManifest =>
  ({
    metadata: {},
    work: { task: { kind: 'http', http: { url: 'x' } }, ...(deadlineMs === undefined ? {} : { deadlineMs }) },
  }) as never;
const podManifest = { metadata: {}, work: {} } as unknown as PodManifest;

/** What the runtime of the pods was asked, and a way to let it observe. */
class Pods {
  readonly calls: string[] = [];
  observe: (observations: PodObservation[]) => Promise<void> = async () => undefined;
  readonly runtime = {
    name: 'fake',
    start: async (observe: Pods['observe']) => void (this.observe = observe),
    create: async ({ nodeId }: PodIdentity): Promise<CreateOutcome> => {
      this.calls.push(`create ${nodeId}`);
      return { type: 'created' };
    },
    terminate: async ({ nodeId }: PodIdentity) => void this.calls.push(`terminate ${nodeId}`),
    delete: async ({ nodeId }: PodIdentity) => void this.calls.push(`delete ${nodeId}`),
    inspect: async ({ nodeId }: PodIdentity) => void this.calls.push(`inspect ${nodeId}`),
    logs: async function* () {},
    close: async () => void this.calls.push('close'),
  } as unknown as PodRuntime;
}

interface Setup {
  work?: (run: TaskRun) => Promise<TaskEnd>;
  open?: TaskRow[];
  maxTasks?: number;
  /** Failures of the database before it takes a report. */
  deaf?: number;
}

const opened: TaskRuntime[] = [];
afterEach(async () => {
  for (const runtime of opened.splice(0)) await runtime.close();
});

const setUp = async ({ work, open = [], maxTasks = 10, deaf = 0 }: Setup = {}) => {
  const pods = new Pods();
  const seen: PodObservation[] = [];
  let failures = deaf;
  const madePods = new MadePods({
    resources: { list: async () => ({ items: [], resourceVersion: '1' }) } as never,
    pods: () => sidePods,
    host: 'here',
    logger: silent,
  });
  const sidePods: SidePods = new SidePods({ runtime: pods.runtime, onSeen: async () => false, logger: silent });
  const runtime = new TaskRuntime({
    pods: pods.runtime,
    runners: { http: work ?? (async () => ({ phase: 'Succeeded', outputs: { result: 'done' } })) },
    openTasks: async () => open,
    keepLog: async () => [],
    plugins: { close: async () => undefined },
    collection: { start: () => undefined, stop: async () => undefined },
    sidePods,
    madePods,
    maxTasks,
    hostName: 'here',
    clock: { nowMs: () => Date.now() },
    logger: silent,
  });
  opened.push(runtime);
  await runtime.start(async (observations) => {
    if (failures > 0) {
      failures -= 1;
      throw new Error('the database is away');
    }
    seen.push(...observations);
  });
  return { runtime, pods, seen };
};

const until = async (holds: () => boolean): Promise<void> => {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('not in time');
    await nextTurn();
  }
};
const endOf = async (seen: PodObservation[], nodeId: string): Promise<PodObservation | undefined> => {
  const found = (): PodObservation | undefined =>
    seen.find(({ identity: { nodeId: id }, phase }) => id === nodeId && phase !== 'Running');
  await until(() => found() !== undefined);
  return found();
};
const forever = (): Promise<TaskEnd> => new Promise(() => undefined);

describe('TaskRuntime', () => {
  it('does tasks and leaves pods to the other runtime', async () => {
    const { runtime, pods, seen } = await setUp();
    expect(await runtime.create(identity('task'), taskManifest())).toEqual({ type: 'created' });
    await runtime.create(identity('pod'), podManifest);
    expect(await endOf(seen, 'task')).toMatchObject({ phase: 'Succeeded', outputs: { result: 'done' }, hostNodeName: 'here' });
    await runtime.terminate(identity('pod'), 1);
    await runtime.inspect(identity('pod'));
    await runtime.inspect(identity('task'));
    await runtime.delete(identity('task'));
    await runtime.delete(identity('pod'));
    expect(pods.calls).toEqual(['create pod', 'terminate pod', 'inspect pod', 'delete pod']);
  });

  it('does a task once however often it is asked', async () => {
    let count = 0;
    const { runtime, seen } = await setUp({
      work: async () => ({ phase: 'Succeeded', outputs: { result: String((count += 1)) } }),
    });
    await runtime.create(identity('a'), taskManifest());
    expect(await runtime.create(identity('a'), taskManifest())).toEqual({ type: 'adopted' });
    await endOf(seen, 'a');
    expect(count).toBe(1);
  });

  it('tells an end until it is heard', async () => {
    const { runtime, seen } = await setUp({ deaf: 3 });
    await runtime.create(identity('a'), taskManifest());
    expect(await endOf(seen, 'a')).toMatchObject({ phase: 'Succeeded' });
  });

  it('does a task again after a transient failure, and ends it in error after any other', async () => {
    let count = 0;
    const { runtime, seen } = await setUp({
      work: async ({ identity: { nodeId } }) => {
        if (nodeId === 'user') throw new TaskError('cannot be done');
        if (nodeId === 'bug') throw new TypeError('a bug');
        if ((count += 1) === 1) throw new TransientError('away');
        return { phase: 'Failed', message: 'as asked' };
      },
    });
    for (const nodeId of ['again', 'user', 'bug']) await runtime.create(identity(nodeId), taskManifest());
    expect(await endOf(seen, 'again')).toMatchObject({ phase: 'Failed', message: 'as asked' });
    expect(await endOf(seen, 'user')).toMatchObject({ phase: 'Failed', infrastructure: true, message: 'cannot be done' });
    expect(await endOf(seen, 'bug')).toMatchObject({ phase: 'Failed', infrastructure: true, message: 'a bug' });
  });

  it('ends a task that is terminated or late, and nothing more is heard of one that is deleted', async () => {
    const signals: AbortSignal[] = [];
    const { runtime, seen } = await setUp({
      work: ({ signal }) => {
        signals.push(signal);
        return forever();
      },
    });
    await runtime.create(identity('terminated'), taskManifest());
    await runtime.create(identity('late'), taskManifest(Date.now() - 1));
    await runtime.create(identity('deleted'), taskManifest());
    await runtime.terminate(identity('terminated'), 30);
    await runtime.delete(identity('deleted'));
    expect(await endOf(seen, 'terminated')).toMatchObject({ phase: 'Failed', message: 'main: Error (exit code 143)' });
    expect(await endOf(seen, 'late')).toMatchObject({
      phase: 'Failed',
      message: 'Pod was active on the node longer than the specified deadline',
    });
    expect(seen.some(({ identity: { nodeId }, phase }) => nodeId === 'deleted' && phase !== 'Running')).toBe(false);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it('has no slot for more than its limit', async () => {
    const { runtime } = await setUp({ work: forever, maxTasks: 1 });
    await runtime.create(identity('a'), taskManifest());
    expect(await runtime.create(identity('b'), taskManifest())).toMatchObject({ type: 'busy' });
  });

  it('begins the tasks of its predecessor again, and ends those that are to end', async () => {
    const row = (nodeId: string, desired: TaskRow['desired']): TaskRow => ({
      key: identity(nodeId),
      desired,
      manifest: taskManifest(),
    });
    const { runtime, pods, seen } = await setUp({
      work: ({ identity: { nodeId } }) => (nodeId === 'goes-on' ? Promise.resolve({ phase: 'Succeeded' }) : forever()),
      open: [row('goes-on', 'run'), row('ends', 'terminate')],
    });
    expect(await endOf(seen, 'goes-on')).toMatchObject({ phase: 'Succeeded' });
    expect(await endOf(seen, 'ends')).toMatchObject({ phase: 'Failed' });
    await runtime.inspect(identity('goes-on'));
    expect(pods.calls).toEqual([]);
  });

  it('keeps what is seen of the pods of tasks from the workflows, and removes those that nobody wants', async () => {
    const { pods, seen } = await setUp();
    const side = SidePods.identity('side-plugins', 'left-over');
    await pods.observe([
      { identity: side, phase: 'Running' },
      { identity: identity('pod'), phase: 'Running' },
    ]);
    expect(seen.map(({ identity: { nodeId } }) => nodeId)).toEqual(['pod']);
    expect(pods.calls).toEqual(['delete left-over']);
  });

  it('gives the log of a task, to its end', async () => {
    const { runtime, seen } = await setUp({
      work: async ({ log }) => {
        log('one\ntwo');
        return { phase: 'Succeeded' };
      },
    });
    await runtime.create(identity('a'), taskManifest());
    const lines: string[] = [];
    for await (const { text } of runtime.logs(identity('a'), { follow: true })) lines.push(text);
    await endOf(seen, 'a');
    expect(lines).toEqual(['one', 'two']);
  });
});
