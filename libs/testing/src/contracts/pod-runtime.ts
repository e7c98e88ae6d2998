import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { LogLine, LogOptions, PodIdentity, PodObservation, PodRuntime } from '#libs/runtimes';

import { eventually } from '../eventually.js';
import { simContainer, simPod, simPodOf, type SimPodOptions } from '../pod-manifests.js';

/** One host with its pods, which several runtimes may use one after another, as several pod-managers do. */
export interface PodRuntimeUnderTest {
  /** A runtime that is not started yet. */
  open(options?: { maxPods?: number }): Promise<PodRuntime>;
  /** Kills what is left and closes the host; all runtimes are closed by then. */
  close(): Promise<void>;
}

/** Guards against waiting for ever; no test depends on it. */
const HANGS_AFTER_MS = 30_000;

let serial = 0;
const newIdentity = (): PodIdentity => ({
  workflowUid: `uid-${process.pid}-${(serial += 1)}`,
  nodeId: `node-${serial}`,
  incarnation: 0,
});
const podOf = (identity: PodIdentity, args: string[], options: SimPodOptions = {}) => simPod(args, { ...identity, ...options });

/** A started runtime with all that it observed. */
class Watched {
  readonly observations: PodObservation[] = [];

  private constructor(readonly runtime: PodRuntime) {}

  static async start(runtime: PodRuntime, failures = 0): Promise<Watched> {
    const watched = new Watched(runtime);
    let left = failures;
    await runtime.start(async (observations) => {
      if (left > 0) {
        left -= 1;
        throw new Error('the database is away');
      }
      watched.observations.push(...observations);
    });
    return watched;
  }

  of(identity: PodIdentity): PodObservation[] {
    return this.observations.filter((seen) => JSON.stringify(seen.identity) === JSON.stringify(identity));
  }

  async last(identity: PodIdentity, ...phases: PodObservation['phase'][]): Promise<PodObservation> {
    const latest = (): PodObservation | undefined => this.of(identity).at(-1);
    await eventually(
      () => phases.some((phase) => phase === latest()?.phase),
      () => `${identity.nodeId} is ${latest()?.phase ?? 'unseen'}, not ${phases.join(' or ')}`,
      HANGS_AFTER_MS,
    );
    return latest() as PodObservation;
  }

  async end(identity: PodIdentity): Promise<PodObservation> {
    return this.last(identity, 'Succeeded', 'Failed');
  }

  async lines(identity: PodIdentity, options: LogOptions = {}): Promise<string[]> {
    const lines: LogLine[] = [];
    for await (const line of this.runtime.logs(identity, options)) lines.push(line);
    return lines.map((line) => line.text);
  }
}

/**
 * Registers the tests that every PodRuntime must pass; `make` opens an empty host. `isCluster`: somebody behind
 * the runtime starts the pods, so it has no slots of its own and does not know what an image runs; ends that were recorded it tells when asked.
 */
export function podRuntimeContract(
  name: string,
  make: () => Promise<PodRuntimeUnderTest>,
  { isCluster = false }: { isCluster?: boolean } = {},
): void {
  describe(`pod runtime contract: ${name}`, () => {
    let host: PodRuntimeUnderTest;
    const opened: PodRuntime[] = [];
    const open = async (options: { maxPods?: number; failures?: number } = {}): Promise<Watched> => {
      const runtime = await host.open(options.maxPods === undefined ? {} : { maxPods: options.maxPods });
      opened.push(runtime);
      return Watched.start(runtime, options.failures);
    };
    beforeEach(async () => {
      host = await make();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((runtime) => runtime.close()));
      await host.close();
    });

    endTests(open, isCluster);
    if (!isCluster) hostTests(open);
    identityTests(open);
    endingTests(open);
    logTests(open);
    adoptionTests(open, isCluster);
    generalPodTests(open);
  });
}

/** Long enough to be seen running; a kubelet looks once a second. */
const whileMs = (isCluster: boolean): number => (isCluster ? 3_000 : 700);

type Open = (options?: { maxPods?: number; failures?: number }) => Promise<Watched>;

function endTests(open: Open, isCluster: boolean): void {
  it('reports success with the exit code, the times and the captured result', async () => {
    const watched = await open();
    const identity = newIdentity();
    const before = Date.now();
    expect(await watched.runtime.create(identity, podOf(identity, ['result=hello'], { captureResult: true }))).toEqual({
      type: 'created',
    });
    const end = await watched.end(identity);
    expect(end).toMatchObject({ phase: 'Succeeded', exitCode: 0, outputs: { result: 'hello' } });
    expect(end.message).toBeUndefined();
    expect(end.startedAtMs).toBeGreaterThan(before - 2_000);
    expect(end.finishedAtMs).toBeGreaterThanOrEqual(end.startedAtMs ?? Infinity);
  });

  it('reports failure with the words of Argo and captures what was printed before it', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['result=partly', 'exit=3'], { captureResult: true }));
    expect(await watched.end(identity)).toMatchObject({
      phase: 'Failed',
      exitCode: 3,
      message: 'main: Error (exit code 3)',
      outputs: { result: 'partly' },
    });
  });

  it('reports a pod that takes a while as Running before its end', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, [`ms=${whileMs(isCluster)}`]));
    expect(await watched.last(identity, 'Running')).toMatchObject({ phase: 'Running' });
    expect(await watched.end(identity)).toMatchObject({ phase: 'Succeeded' });
  });

  it('ends a pod at its deadline with the message of the kubelet', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['ms=30000'], { activeDeadlineSeconds: 1 }));
    expect(await watched.end(identity)).toMatchObject({
      phase: 'Failed',
      message: 'Pod was active on the node longer than the specified deadline',
    });
  });

  it('offers an observation again until it is recorded', async () => {
    const watched = await open({ failures: 2 });
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['exit=4']));
    expect(await watched.end(identity)).toMatchObject({ exitCode: 4 });
  });
}

function hostTests(open: Open): void {
  it('says busy where all slots are taken, and takes the pod when one is free', async () => {
    const watched = await open({ maxPods: 1 });
    const [first, second] = [newIdentity(), newIdentity()];
    await watched.runtime.create(first, podOf(first, ['ms=300']));
    expect(await watched.runtime.create(second, podOf(second, []))).toMatchObject({ type: 'busy' });
    await watched.end(first);
    expect(await watched.runtime.create(second, podOf(second, []))).toEqual({ type: 'created' });
    await watched.end(second);
  });

  it('refuses a pod of which nobody knows what to run', async () => {
    const watched = await open();
    const identity = newIdentity();
    const manifest = podOf(identity, [], { template: { container: { image: 'nobody/knows:this', imagePullPolicy: 'Never' } } });
    const outcome = await watched.runtime.create(identity, manifest);
    expect(outcome.type).toBe('refused');
  });
}

function identityTests(open: Open): void {
  it('runs a pod once however often it is asked for', async () => {
    const watched = await open();
    const identity = newIdentity();
    const manifest = podOf(identity, ['result=once', 'ms=200']);
    const outcomes = await Promise.all([1, 2, 3].map(() => watched.runtime.create(identity, manifest)));
    expect(outcomes.map((outcome) => outcome.type).sort()).toEqual(['adopted', 'adopted', 'created']);
    await watched.end(identity);
    expect(await watched.runtime.create(identity, manifest)).toEqual({ type: 'adopted' });
    expect(await watched.lines(identity)).toEqual(['once']);
  });

  it('takes another incarnation of the same node for another pod', async () => {
    const watched = await open();
    const first = newIdentity();
    const second = { ...first, incarnation: 1 };
    await watched.runtime.create(first, podOf(first, ['exit=1']));
    await watched.runtime.create(second, podOf(second, ['result=again']));
    expect(await watched.end(first)).toMatchObject({ exitCode: 1, identity: first });
    expect(await watched.end(second)).toMatchObject({ exitCode: 0, identity: second });
    await watched.runtime.delete(first);
    expect(await watched.lines(second)).toEqual(['again']);
  });

  it('observes a pod that does not exist as Gone', async () => {
    const watched = await open();
    const [inspected, terminated] = [newIdentity(), newIdentity()];
    await watched.runtime.inspect(inspected);
    await watched.runtime.terminate(terminated, 1);
    expect(await watched.last(inspected, 'Gone')).toMatchObject({ identity: inspected });
    expect(await watched.last(terminated, 'Gone')).toMatchObject({ identity: terminated });
  });
}

function endingTests(open: Open): void {
  it('ends a pod by TERM, and repeats it without harm', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['ms=30000']));
    await watched.last(identity, 'Running');
    await watched.runtime.terminate(identity, 5);
    await watched.runtime.terminate(identity, 5);
    expect(await watched.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 143, message: 'main: Error (exit code 143)' });
    await watched.runtime.terminate(identity, 5);
    expect(await watched.end(identity)).toMatchObject({ exitCode: 143 });
  });

  it('ends a pod that was terminated right after it was made', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['ms=30000']));
    await watched.runtime.terminate(identity, 5);
    expect(await watched.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 143 });
  });

  it('forgets a deleted pod, killing it where it runs', async () => {
    const watched = await open();
    const [ended, running] = [newIdentity(), newIdentity()];
    await watched.runtime.create(ended, podOf(ended, ['result=text']));
    await watched.runtime.create(running, podOf(running, ['ms=30000']));
    await watched.end(ended);
    await watched.last(running, 'Running');
    for (const identity of [ended, running]) {
      await watched.runtime.delete(identity);
      await watched.runtime.delete(identity);
      await watched.runtime.inspect(identity);
      await watched.last(identity, 'Gone');
    }
    expect(await watched.lines(ended)).toEqual([]);
  });
}

function logTests(open: Open): void {
  it('gives the lines of an ended pod, the last ones only where asked, and those of no other container', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['result=one', 'result=two', 'result=three']));
    await watched.end(identity);
    expect(await watched.lines(identity)).toEqual(['one', 'two', 'three']);
    expect(await watched.lines(identity, { tailLines: 2, container: 'main' })).toEqual(['two', 'three']);
    expect(await watched.lines(identity, { container: 'wait' })).toEqual([]);
    expect(await watched.lines(identity, { sinceMs: Date.now() + 60_000 })).toEqual([]);
  });

  it('follows a running pod to its end', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['result=early', 'ms=400', 'result=late']));
    expect(await watched.lines(identity, { follow: true })).toEqual(['early', 'late']);
  });

  it('stops following when it is told to', async () => {
    const watched = await open();
    const identity = newIdentity();
    await watched.runtime.create(identity, podOf(identity, ['ms=30000']));
    const stop = new AbortController();
    const reading = watched.lines(identity, { follow: true, signal: stop.signal });
    stop.abort();
    expect(await reading).toEqual([]);
    await watched.runtime.delete(identity);
  });
}

function adoptionTests(open: Open, isCluster: boolean): void {
  it('lets pods run on when it is closed, and the next runtime reports their real end', async () => {
    const first = await open();
    const identity = newIdentity();
    await first.runtime.create(identity, podOf(identity, [`ms=${whileMs(isCluster)}`, 'exit=7']));
    await first.last(identity, 'Running');
    await first.runtime.close();
    const second = await open();
    expect(await second.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 7 });
    expect(first.of(identity).at(-1)?.phase).toBe('Running');
  });

  it('reports ended pods again after a restart, outputs included, and does not run them again', async () => {
    const first = await open();
    const identity = newIdentity();
    const manifest = podOf(identity, ['result=kept'], { captureResult: true });
    await first.runtime.create(identity, manifest);
    await first.end(identity);
    await first.runtime.close();
    const second = await open();
    if (isCluster) await second.runtime.inspect(identity);
    expect(await second.end(identity)).toMatchObject({ phase: 'Succeeded', outputs: { result: 'kept' } });
    expect(await second.runtime.create(identity, manifest)).toEqual({ type: 'adopted' });
    expect(await second.lines(identity)).toEqual(['kept']);
  });

  it('terminates and deletes pods that an earlier runtime made', async () => {
    const first = await open();
    const [terminated, deleted] = [newIdentity(), newIdentity()];
    for (const identity of [terminated, deleted]) {
      await first.runtime.create(identity, podOf(identity, ['ms=30000']));
      await first.last(identity, 'Running');
    }
    await first.runtime.close();
    const second = await open();
    await second.runtime.terminate(terminated, 5);
    expect(await second.end(terminated)).toMatchObject({ exitCode: 143 });
    await second.runtime.delete(deleted);
    await second.runtime.inspect(deleted);
    await second.last(deleted, 'Gone');
  });
}

function generalPodTests(open: Open): void {
  it('ends a sidecar when main has ended, which alone decides the outcome', async () => {
    const watched = await open();
    const identity = newIdentity();
    const containers = [simContainer('main', ['ms=300', 'result=done']), simContainer('side', ['ms=60000'])];
    await watched.runtime.create(identity, simPodOf({ containers }, { ...identity, captureResult: true }));
    expect(await watched.end(identity)).toMatchObject({ phase: 'Succeeded', exitCode: 0, outputs: { result: 'done' } });
    expect(await watched.lines(identity, { container: 'main' })).toEqual(['done']);
  });

  it('ends in Error with the init container that failed', async () => {
    const watched = await open();
    const identity = newIdentity();
    const initContainers = [simContainer('one', ['ms=50']), simContainer('two', ['exit=3'])];
    const manifest = simPodOf({ initContainers, containers: [simContainer('main', ['result=ran'])] }, identity);
    await watched.runtime.create(identity, manifest);
    const end = await watched.end(identity);
    expect(end).toMatchObject({ phase: 'Failed', infrastructure: true, message: 'two: Error (exit code 3)' });
    await watched.runtime.delete(identity);
    await watched.runtime.inspect(identity);
    await watched.last(identity, 'Gone');
  });

  it('runs a set by its dependencies, and reports each member', async () => {
    const watched = await open();
    const identity = newIdentity();
    const containers = [
      simContainer('d', []),
      simContainer('a', ['ms=200']),
      simContainer('b', ['exit=2']),
      simContainer('c', []),
    ];
    const work = {
      mainContainers: ['d', 'a', 'b', 'c'],
      containerGraph: [
        { name: 'd', dependencies: ['a'] },
        { name: 'a', dependencies: [] },
        { name: 'b', dependencies: ['a'] },
        { name: 'c', dependencies: ['b'] },
      ],
    };
    await watched.runtime.create(identity, simPodOf({ containers }, { ...identity, work }));
    const end = await watched.end(identity);
    expect(end).toMatchObject({ phase: 'Failed', message: 'b: Error (exit code 2)' });
    expect(end.containers?.map(({ name, phase, exitCode }) => `${name} ${phase} ${exitCode}`)).toEqual([
      'd Succeeded 0',
      'a Succeeded 0',
      'b Failed 2',
      'c Failed 64',
    ]);
  });

  it('says that a daemon is ready, and ends it when it is told to', async () => {
    const watched = await open();
    const identity = newIdentity();
    const containers = [simContainer('main', ['ms=60000']), simContainer('side', ['ms=60000'])];
    await watched.runtime.create(identity, simPodOf({ containers }, { ...identity, work: { daemon: true } }));
    await eventually(() => watched.of(identity).some(({ phase, ready }) => phase === 'Running' && ready === true), 'it is ready');
    await watched.runtime.terminate(identity, 5);
    expect(await watched.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 143 });
  });

  it('goes on with a pod of several containers after a restart', async () => {
    const first = await open();
    const identity = newIdentity();
    const initContainers = [simContainer('one', ['ms=400'])];
    const containers = [simContainer('main', ['ms=800', 'exit=6']), simContainer('side', ['ms=60000'])];
    await first.runtime.create(identity, simPodOf({ initContainers, containers }, identity));
    await first.last(identity, 'Running', 'Pending');
    await first.runtime.close();
    const second = await open();
    expect(await second.end(identity)).toMatchObject({ phase: 'Failed', exitCode: 6, message: 'main: Error (exit code 6)' });
  });
}
