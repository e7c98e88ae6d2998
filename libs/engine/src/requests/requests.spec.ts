import { describe, expect, it } from 'vitest';
import { runSimulated, type SimulatedRun, type SimulationOptions } from '#libs/testing';
import type { Template, Workflow } from '#libs/workflow-spec';
import { createWorkflowState, decide, factId, type InboxEntry, markCommitted, type RequestOutcome } from '../index.js';

const workflow = (templates: Template[], spec: Partial<Workflow['spec']> = {}): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'asked' },
  spec: { entrypoint: 'main', templates, ...spec },
});

const leaf = (name: string, args: string[]): Template => ({ name, container: { image: 'sim', command: ['sim'], args } });

const gated = workflow([
  { name: 'main', steps: [[{ name: 'gate', template: 'gate' }], [{ name: 'after', template: 'leaf' }]] },
  { name: 'gate', suspend: {} },
  leaf('leaf', ['result=ok']),
]);

const asking = workflow([
  { name: 'main', steps: [[{ name: 'ask', template: 'ask' }]] },
  { name: 'ask', suspend: {}, outputs: { parameters: [{ name: 'answer', valueFrom: { supplied: {} } }] } },
]);

const slow = workflow(
  [
    { name: 'main', dag: { tasks: [{ name: 'a', template: 'slow', onExit: 'leaf' }] } },
    leaf('slow', ['ms=60000']),
    leaf('leaf', ['result=ok']),
  ],
  { onExit: 'leaf' },
);

const run = (
  of: Workflow,
  requests: NonNullable<SimulationOptions['requests']>,
): SimulatedRun & { outcomes: RequestOutcome[] } => {
  const outcomes: RequestOutcome[] = [];
  const result = runSimulated(of, { requests, onDecision: (decision) => outcomes.push(...decision.outcomes) });
  return { ...result, outcomes };
};

const node = ({ workflow: { status } }: SimulatedRun, name: string): unknown => {
  const found = Object.values(status?.nodes ?? {}).find((candidate) => candidate.name === name);
  return found === undefined ? undefined : { phase: found.phase, message: found.message };
};

describe('requests', () => {
  it('resumes a suspended step, and what follows runs', () => {
    const result = run(gated, [{ atMs: 1000, request: { type: 'resume' } }]);
    expect(result.workflow.status?.phase).toBe('Succeeded');
    expect(result.outcomes).toEqual([{ requestId: '1', ok: true }]);
    expect(node(result, 'asked[1].after')).toEqual({ phase: 'Succeeded', message: undefined });
  });

  it('names who resumed a step', () => {
    const result = run(gated, [{ atMs: 1000, request: { type: 'resume', user: 'ann' } }]);
    expect(node(result, 'asked[0].gate')).toEqual({ phase: 'Succeeded', message: 'Resumed by: map[User:ann]' });
  });

  it('does not resume a step whose awaited output is missing', () => {
    const result = run(asking, [{ atMs: 1000, request: { type: 'resume' } }]);
    expect(result.ended).toBe(false);
    expect(result.outcomes[0]).toMatchObject({
      ok: false,
      grpcCode: 13,
      message:
        "timed out waiting for the condition: raw output parameter 'answer' has not been set and does not have a default value",
    });
  });

  it('takes a supplied output over and resumes with it', () => {
    const result = run(asking, [
      {
        atMs: 1000,
        request: { type: 'set', nodeFieldSelector: 'displayName=ask', outputParameters: '{"answer":"42"}', message: 'answered' },
      },
      { atMs: 2000, request: { type: 'set', nodeFieldSelector: 'displayName=ask', outputParameters: '{"other":"1"}' } },
      { atMs: 3000, request: { type: 'resume' } },
    ]);
    expect(result.outcomes.map(({ message }) => message)).toEqual([
      undefined,
      "node is not expecting output parameter 'other'",
      undefined,
    ]);
    const asked = Object.values(result.workflow.status?.nodes ?? {}).find(({ name }) => name === 'asked[0].ask');
    expect(asked).toMatchObject({
      phase: 'Succeeded',
      message: 'answered; ',
      outputs: { parameters: [{ name: 'answer', value: '42' }] },
    });
  });

  it('stops: pods end, the exit handler of the workflow runs, that of the task does not', () => {
    const result = run(slow, [{ atMs: 1000, request: { type: 'stop' } }]);
    expect(result.workflow.status).toMatchObject({ phase: 'Failed', message: "Stopped with strategy 'Stop'" });
    expect(node(result, 'asked.a')).toEqual({ phase: 'Failed', message: 'workflow shutdown with strategy:  Stop' });
    expect(node(result, 'asked.onExit')).toMatchObject({ phase: 'Succeeded' });
    expect(node(result, 'asked.a.onExit')).toBeUndefined();
  });

  it('counts what ran when it was stopped as stopped, even where it ends well', () => {
    const metadata = { name: 'asked', namespace: 'lab', uid: 'a-uid', creationTimestamp: '2024-01-01T00:00:00Z' };
    const config = { podNames: 'v2' as const, artifactRepository: { location: {} } };
    const state = createWorkflowState(config, { metadata, spec: workflow([leaf('main', [])]).spec });
    const facts = new Map<string, null>();
    const give = (...inbox: InboxEntry[]): void => {
      for (const key of decide(state, { inbox, facts, nowMs: 0 }).missing) facts.set(factId(key), null);
      decide(state, { inbox, facts, nowMs: 0 });
      markCommitted(state);
    };
    const report = { nodeId: 'asked', incarnation: 1 };
    give();
    give({ id: '1', kind: 'pod', report: { ...report, phase: 'Running' } });
    give({ id: '2', kind: 'request', requestId: '2', request: { type: 'stop' } });
    give();
    give({ id: '3', kind: 'pod', report: { ...report, phase: 'Succeeded', exitCode: 0 } });
    const { phase, message, progress, outputs } = state.get('asked').status;
    expect({ phase, message, progress, outputs }).toEqual({
      phase: 'Failed',
      message: 'workflow shutdown with strategy:  Stop',
      progress: '0/1',
      outputs: undefined,
    });
  });

  it('terminates without exit handlers', () => {
    const result = run(slow, [{ atMs: 1000, request: { type: 'terminate' } }]);
    expect(result.workflow.status).toMatchObject({ phase: 'Failed', message: "Stopped with strategy 'Terminate'" });
    expect(node(result, 'asked.onExit')).toBeUndefined();
  });

  it('ends a suspended step when the workflow is terminated', () => {
    const result = run(gated, [{ atMs: 1000, request: { type: 'terminate' } }]);
    expect(node(result, 'asked[0].gate')).toEqual({ phase: 'Failed', message: "Stopped with strategy 'Terminate'" });
    expect(result.workflow.status?.message).toBe("Stopped with strategy 'Terminate'");
  });

  it('starts nothing new while the workflow is suspended', () => {
    const steps = workflow([
      { name: 'main', steps: [[{ name: 'one', template: 'leaf' }], [{ name: 'two', template: 'leaf' }]] },
      leaf('leaf', ['ms=1000']),
    ]);
    const suspended = run(steps, [{ atMs: 500, request: { type: 'suspend' } }]);
    expect(suspended.ended).toBe(false);
    expect(suspended.workflow.spec.suspend).toBe(true);
    expect(node(suspended, 'asked[1].two')).toBeUndefined();
    const resumed = run(steps, [
      { atMs: 500, request: { type: 'suspend' } },
      { atMs: 5000, request: { type: 'resume' } },
    ]);
    expect(resumed.workflow.status?.phase).toBe('Succeeded');
  });

  it('ends a suspended workflow that is shut down, with its exit handler where the strategy has one', () => {
    const templates = [
      { name: 'main', steps: [[{ name: 'one', template: 'leaf' }], [{ name: 'two', template: 'leaf' }]] },
      leaf('leaf', ['ms=1000']),
    ];
    const steps = workflow(templates, { onExit: 'leaf' });
    const suspend = { atMs: 500, request: { type: 'suspend' } } as const;
    const stopped = run(steps, [suspend, { atMs: 5000, request: { type: 'stop' } }]);
    expect(stopped.workflow.status).toMatchObject({ phase: 'Failed', message: "Stopped with strategy 'Stop'" });
    const pods = stopped.commands.flatMap((command) => (command.type === 'runPod' ? [command.order.nodeName] : []));
    expect(pods).toEqual(['asked[0].one', 'asked.onExit']);
    expect(node(stopped, 'asked.onExit')).toMatchObject({ phase: 'Succeeded' });
    const unbegun = run(workflow(templates, { suspend: true }), [{ atMs: 5000, request: { type: 'terminate' } }]);
    expect(unbegun.workflow.status).toMatchObject({ phase: 'Failed', message: "Stopped with strategy 'Terminate'" });
    expect(unbegun.commands.filter(({ type }) => type === 'runPod')).toEqual([]);
  });

  it('retries failed work only', () => {
    const failing = workflow([
      { name: 'main', steps: [[{ name: 'good', template: 'leaf' }], [{ name: 'bad', template: 'bad' }]] },
      leaf('leaf', ['result=ok']),
      leaf('bad', ['exit=1']),
    ]);
    const result = run(failing, [{ atMs: 60_000, request: { type: 'retry' } }]);
    const pods = result.commands.flatMap((command) =>
      command.type === 'runPod' ? [`${command.order.nodeName}/${command.order.incarnation}`] : [],
    );
    expect(pods).toEqual(['asked[0].good/1', 'asked[1].bad/1', 'asked[1].bad/1001']);
    expect(result.outcomes).toMatchObject([{ ok: true }]);
    expect(result.workflow.status?.phase).toBe('Failed');
  });

  it('refuses to retry what succeeded', () => {
    const result = run(workflow([leaf('main', ['result=ok'])]), [{ atMs: 60_000, request: { type: 'retry' } }]);
    expect(result.outcomes).toEqual([
      {
        requestId: '1',
        ok: false,
        grpcCode: 3,
        message: 'To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector',
      },
    ]);
  });

  it('fails open work when the deadline of the workflow has come', () => {
    const result = run({ ...slow, spec: { ...slow.spec, activeDeadlineSeconds: 5 } }, []);
    expect(node(result, 'asked.a')).toEqual({ phase: 'Failed', message: 'Step exceeded its deadline' });
    expect(result.workflow.status?.phase).toBe('Failed');
  });
});
