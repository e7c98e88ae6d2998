import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runSimulated, type SimulatedRun, type SimulationOptions } from '#libs/testing';
import type { NodeStatus, SynchronizationStatus, Workflow } from '#libs/workflow-spec';
import type { Decision } from '../contract.js';

const workflowOf = (yaml: string): Workflow => ({ metadata: { name: 'w', namespace: 'argo' }, spec: parse(yaml) });

const EACH = `
  - name: each
    inputs: {parameters: [{name: lock, value: m}]}
    synchronization: {mutexes: [{name: "{{inputs.parameters.lock}}"}]}
    container: {image: sim, args: ["ms=1000"]}`;
const FAN_OUT = `
entrypoint: main
templates:
  - name: main
    steps: [[{name: each, template: each, withItems: [1, 2, 3]}]]${EACH}`;

interface Watched extends SimulatedRun {
  /** Most pods that ran at once. */
  mostRunning: number;
  /** Phases and messages of the workflow in the order of decisions. */
  said: string[];
  synchronization: (SynchronizationStatus | undefined)[];
}

const watched = (workflow: Workflow, options: SimulationOptions = {}): Watched => {
  let mostRunning = 0;
  const said: string[] = [];
  const synchronization: (SynchronizationStatus | undefined)[] = [];
  const onDecision = ({ header }: Decision, state: Parameters<NonNullable<SimulationOptions['onDecision']>>[1]): void => {
    mostRunning = Math.max(mostRunning, state.counters.activePods);
    if (header === undefined) return;
    const { phase = '', message = '' } = header.status;
    if (said.at(-1) !== `${phase} ${message}`.trim()) said.push(`${phase} ${message}`.trim());
    synchronization.push(header.status.synchronization);
  };
  return { ...runSimulated(workflow, { ...options, onDecision }), mostRunning, said, synchronization };
};

const nodesOf = ({ workflow }: SimulatedRun): NodeStatus[] => Object.values(workflow.status?.nodes ?? {});
const stillHeld = ({ commands }: SimulatedRun): string[] => {
  const holders = new Set<string>();
  for (const command of commands) {
    if (command.type === 'wantLocks') holders.add(command.holder);
    if (command.type === 'releaseLocks' && command.all === true) holders.clear();
    if (command.type === 'releaseLocks') holders.delete(command.holder);
  }
  return [...holders];
};

describe('locks of a template', () => {
  it('let one node in at a time through a mutex', () => {
    const run = watched(workflowOf(FAN_OUT));
    expect([run.workflow.status?.phase, run.mostRunning, stillHeld(run)]).toEqual(['Succeeded', 1, []]);
    expect(run.workflow.status?.synchronization).toBeUndefined();
    expect(nodesOf(run).filter(({ message, synchronizationStatus }) => message ?? synchronizationStatus)).toEqual([]);
  });

  it('show what a node waits for, in the words of Argo', () => {
    const seen: unknown[] = [];
    runSimulated(workflowOf(FAN_OUT), {
      onDecision: ({ nodes, header }) => {
        for (const { status } of nodes)
          if (status.synchronizationStatus !== undefined)
            seen.push([status.phase, status.message, status.synchronizationStatus.waiting]);
        if (header?.status.synchronization?.mutex?.waiting !== undefined) seen.push(header.status.synchronization.mutex);
      },
    });
    expect(seen.slice(0, 1)).toEqual([['Pending', 'Waiting for argo/Mutex/m lock. Lock status: 0/1', 'argo/Mutex/m']]);
    expect(seen[2]).toEqual({
      holding: [{ mutex: 'argo/Mutex/m', holder: 'argo/w/w-2086831257' }],
      waiting: [{ mutex: 'argo/Mutex/m' }],
    });
  });

  it('let as many in as the ConfigMap says', () => {
    const yaml = FAN_OUT.replace(/mutexes: .*$/m, 'semaphores: [{configMapKeyRef: {name: limits, key: k}}]}');
    const others = [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'limits' }, data: { k: '2' } }];
    const run = watched(workflowOf(yaml), { others });
    expect([run.workflow.status?.phase, run.mostRunning, stillHeld(run)]).toEqual(['Succeeded', 2, []]);
    const missing = runSimulated(workflowOf(yaml));
    expect(missing.workflow.status?.phase).toBe('Failed');
    expect(nodesOf(missing).find(({ phase }) => phase === 'Error')?.message).toContain(
      'semaphore argo/ConfigMap/limits/k: key k of ConfigMap limits not found',
    );
  });

  it('of the database say how many are taken', () => {
    const yaml = FAN_OUT.replace(/mutexes: .*$/m, 'semaphores: [{database: {key: k}}]}');
    const messages = new Set<string>();
    const run = watched(workflowOf(yaml), { syncLimits: { 'argo/k': 1 } });
    runSimulated(workflowOf(yaml), {
      syncLimits: { 'argo/k': 1 },
      onDecision: ({ nodes }) => nodes.forEach(({ status }) => messages.add(status.message ?? '')),
    });
    expect([run.workflow.status?.phase, run.mostRunning]).toEqual(['Succeeded', 1]);
    expect([...messages]).toContain('Waiting for argo/Database/k lock (sem/argo/k). Lock status: 1/1');
  });

  it('are held over all attempts of a retry', () => {
    const yaml = `
entrypoint: main
templates:
  - name: main
    steps: [[{name: a, template: each}, {name: b, template: each}]]
  - name: each
    retryStrategy: {limit: 2}
    synchronization: {mutexes: [{name: m}]}
    container: {image: sim, args: ["ms=1000", "failuntil=2", "attempt={{retries}}"]}`;
    const run = watched(workflowOf(yaml));
    expect([run.workflow.status?.phase, run.mostRunning, stillHeld(run)]).toEqual(['Succeeded', 1, []]);
    const order = run.commands.flatMap((command) => (command.type === 'runPod' ? [command.order.nodeName] : []));
    expect(order.map((name) => name.slice('w[0].'.length))).toEqual(['a(0)', 'a(1)', 'a(2)', 'b(0)', 'b(1)', 'b(2)']);
    expect(nodesOf(run).filter(({ type }) => type === 'Retry')).toHaveLength(2);
  });

  it('hold a whole DAG or Steps back, and whatever is inside of them', () => {
    const yaml = `
entrypoint: main
templates:
  - name: main
    dag: {tasks: [{name: a, template: inner}, {name: b, template: inner}]}
  - name: inner
    synchronization: {mutexes: [{name: m}]}
    steps: [[{name: x, template: pod}], [{name: y, template: pod}]]
  - name: pod
    container: {image: sim, args: ["ms=10"]}`;
    for (const options of [{}, { forgetful: true }, { losingEvery: 2 }, { maxChanges: 1 }, { decidingTwice: true }]) {
      const run = watched(workflowOf(yaml), options);
      expect([run.workflow.status?.phase, run.mostRunning, stillHeld(run)]).toEqual(['Succeeded', 1, []]);
      const order = run.commands.flatMap((command) => (command.type === 'runPod' ? [command.order.nodeName] : []));
      expect(order).toEqual(['w.a[0].x', 'w.a[1].y', 'w.b[0].x', 'w.b[1].y']);
    }
  });

  it('take no slot while they are waited for, and are given back where there is none', () => {
    const items = `withItems: [{lock: a}, {lock: b}, {lock: c}], arguments: {parameters: [{name: lock, value: "{{item.lock}}"}]}`;
    const yaml = FAN_OUT.replace('withItems: [1, 2, 3]', items).replace('entrypoint', 'parallelism: 1\nentrypoint');
    const lockedByOthers = ['a', 'b', 'c'].map((name) => ({ lock: `argo/Mutex/${name}`, untilMs: 500 }));
    const run = watched(workflowOf(yaml), { lockedByOthers });
    expect([run.workflow.status?.phase, run.mostRunning, stillHeld(run)]).toEqual(['Succeeded', 1, []]);
  });

  it('are given up with the wish to run: a terminated node stops waiting', () => {
    const lockedByOthers = [{ lock: 'argo/Mutex/m', untilMs: 3_600_000 }];
    const run = watched(workflowOf(FAN_OUT), { lockedByOthers, requests: [{ atMs: 50, request: { type: 'terminate' } }] });
    expect([run.workflow.status?.phase, run.mostRunning, stillHeld(run)]).toEqual(['Failed', 0, []]);
    expect(
      new Set(
        nodesOf(run)
          .filter(({ type }) => type === 'Pod')
          .map(({ message }) => message),
      ),
    ).toEqual(new Set(["Stopped with strategy 'Terminate'"]));
  });

  it('do not let anything begin while the workflow is suspended', () => {
    const run = watched(workflowOf(FAN_OUT), {
      lockedByOthers: [{ lock: 'argo/Mutex/m', untilMs: 100 }],
      requests: [
        { atMs: 50, request: { type: 'suspend' } },
        { atMs: 5000, request: { type: 'resume' } },
      ],
    });
    expect([run.workflow.status?.phase, run.mostRunning, stillHeld(run)]).toEqual(['Succeeded', 1, []]);
  });

  it('are asked for again when a manual retry opens the workflow again', () => {
    const yaml = `
entrypoint: main
synchronization: {mutexes: [{name: outer}]}
templates:
  - name: main
    synchronization: {mutexes: [{name: inner}]}
    steps: [[{name: a, template: pod}], [{name: b, template: each}]]${EACH}
  - name: pod
    container: {image: sim, args: ["exit={{workflow.parameters.code}}"]}
arguments: {parameters: [{name: code, value: "1"}]}`;
    const run = watched(workflowOf(yaml), { requests: [{ atMs: 5000, request: { type: 'retry', parameters: ['code=0'] } }] });
    expect([run.workflow.status?.phase, stillHeld(run)]).toEqual(['Succeeded', []]);
    const wants = run.commands.flatMap((command) =>
      command.type === 'wantLocks' ? [command.locks.map(({ name }) => name).join()] : [],
    );
    expect(wants).toEqual(['argo/Mutex/outer', 'argo/Mutex/inner', 'argo/Mutex/outer', 'argo/Mutex/inner', 'argo/Mutex/m']);
  });
});

describe('locks of a workflow', () => {
  const yaml = FAN_OUT.replace(
    'entrypoint',
    'synchronization: {mutexes: [{name: "{{workflow.name}}-all"}], semaphores: [{database: {key: k}}]}\nentrypoint',
  );
  const syncLimits = { 'argo/k': 3 };

  it('keep it Pending until all of them are held', () => {
    const run = watched(workflowOf(yaml), { syncLimits, lockedByOthers: [{ lock: 'argo/Mutex/w-all', untilMs: 9000 }] });
    expect(run.workflow.status?.phase).toBe('Succeeded');
    expect(run.said.filter((text) => text !== '')).toEqual([
      'Pending Waiting for argo/Mutex/w-all lock. Lock status: 0/1',
      'Running',
      'Succeeded',
    ]);
    expect(run.synchronization.find((shown) => shown?.semaphore !== undefined)).toMatchObject({
      semaphore: { holding: [{ semaphore: 'argo/Database/k', holders: ['argo/w'] }] },
    });
    expect([run.workflow.status?.synchronization, stillHeld(run)]).toEqual([undefined, []]);
  });

  it('do not keep it from being terminated', () => {
    const run = watched(workflowOf(yaml), {
      syncLimits,
      lockedByOthers: [{ lock: 'argo/Mutex/w-all', untilMs: 9_000_000 }],
      requests: [{ atMs: 5, request: { type: 'terminate' } }],
    });
    expect([run.workflow.status?.phase, stillHeld(run)]).toEqual(['Failed', []]);
  });

  it('fail it where their limit does not exist', () => {
    const { status } = runSimulated(workflowOf(yaml)).workflow;
    expect([status?.phase, status?.message]).toEqual([
      'Failed',
      'Failed to acquire the synchronization lock. semaphore argo/Database/k: limit argo/k not found',
    ]);
  });
});

describe('admission', () => {
  it('keeps a workflow Pending, with words of Argo, until there is room', () => {
    const run = watched(workflowOf(FAN_OUT), { admittedAfterMs: 5000 });
    expect(run.said.filter((text) => text !== '')).toEqual([
      'Pending Workflow processing has been postponed because too many workflows are already running',
      'Running',
      'Succeeded',
    ]);
    expect(run.commands.map(({ type }) => type).filter((type) => type.endsWith('Admission'))).toEqual([
      'wantAdmission',
      'leaveAdmission',
    ]);
  });

  it('is not waited for by a workflow that is to be terminated', () => {
    const run = watched(workflowOf(FAN_OUT), {
      admittedAfterMs: 9_000_000,
      requests: [{ atMs: 5, request: { type: 'terminate' } }],
    });
    expect(run.workflow.status?.phase).toBe('Failed');
    expect(run.commands.some(({ type }) => type === 'leaveAdmission')).toBe(true);
  });
});

describe('a slot that is freed by who got its lock', () => {
  const lock = { semaphores: [{ database: { key: 'one' } }] };
  const sim = { image: 'sim', command: ['sim'], args: ['result=ok'] };
  const seen = { template: 'handler', expression: 'steps.s00.status == "Running"' };
  const workflow: Workflow = {
    metadata: { name: 'random' },
    spec: {
      entrypoint: 'outer',
      templates: [
        { name: 'leaf', container: sim },
        { name: 'locked', container: sim, retryStrategy: { limit: 0, retryPolicy: 'Always' }, synchronization: lock },
        { name: 'handler', container: sim, synchronization: lock },
        {
          name: 'inner',
          steps: [
            [
              { name: 's00', template: 'locked', withSequence: { count: '1' }, hooks: { seen } },
              { name: 's01', template: 'leaf' },
            ],
            [{ name: 's10', template: 'leaf' }],
          ],
          parallelism: 1,
          retryStrategy: { limit: 0 },
        },
        {
          name: 'outer',
          dag: { tasks: [{ name: 't0', template: 'inner', withSequence: { count: '2' }, onExit: 'handler' }], failFast: true },
          parallelism: 1,
        },
      ],
    },
  };

  it('is given in the same decision to who had to give its lock back for want of one', () => {
    const run = runSimulated(workflow, { decidingTwice: true, seed: 1, syncLimits: { 'lab/one': 1 } });
    expect(run.workflow.status?.phase).toBe('Failed');
    expect(stillHeld(run)).toEqual([]);
  });
});
