import { describe, expect, it } from 'vitest';
import { runSimulated, type SimulatedRun } from '#libs/testing';
import type { DAGTask, NodeStatus, Template, WorkflowSpec, WorkflowStep } from '#libs/workflow-spec';

/** One rule of Argo each, in the smallest workflow that shows it. `test/mutation` turns each rule round and expects a failure here. */

const leaf = (name: string, ...args: string[]): Template => ({
  name,
  container: { image: 'sim', command: ['sim'], args },
});
const withResult = (name: string, result: string, globalName?: string): Template => ({
  ...leaf(name, `out.value=${result}`, `result=${result}`),
  outputs: {
    parameters: [{ name: 'value', valueFrom: { path: '/tmp/value' }, ...(globalName === undefined ? {} : { globalName }) }],
  },
});
const steps = (...groups: WorkflowStep[][]): Template => ({ name: 'main', steps: groups });
const dag = (tasks: DAGTask[], failFast?: boolean): Template => ({
  name: 'main',
  dag: { tasks, ...(failFast === undefined ? {} : { failFast }) },
});

const GOOD = leaf('good', 'result=ok');
const BAD = leaf('bad', 'exit=1');

const run = (templates: Template[], spec: WorkflowSpec = {}): SimulatedRun =>
  runSimulated({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name: 'w' },
    spec: { entrypoint: 'main', templates, ...spec },
  });
const nodesOf = ({ workflow }: SimulatedRun): Record<string, NodeStatus> =>
  Object.fromEntries(Object.values(workflow.status?.nodes ?? {}).map((node) => [node.name.replace(/^w\.?/, ''), node]));
const phasesOf = (found: SimulatedRun): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(nodesOf(found)).map(([name, { phase }]) => [name, phase]));

describe('rules of Argo', () => {
  it.each([
    ['OnFailure', 3],
    ['Always', 3],
    ['OnError', 1],
  ])('retries a failed pod under the policy %s: %i attempts', (retryPolicy, attempts) => {
    const found = run([{ ...leaf('main', 'exit=1'), retryStrategy: { limit: 2, retryPolicy } }]);
    expect(found.commands.filter(({ type }) => type === 'runPod')).toHaveLength(attempts);
    expect(found.workflow.status?.phase).toBe('Failed');
  });

  it('ends a series of attempts with the first that succeeds, and after the limit', () => {
    const flaky = { ...leaf('main', 'failuntil=1', 'attempt={{retries}}'), retryStrategy: { limit: 5 } };
    expect(phasesOf(run([flaky]))).toEqual({ '': 'Succeeded', '(0)': 'Failed', '(1)': 'Succeeded' });
    const found = nodesOf(run([{ ...leaf('main', 'exit=1'), retryStrategy: { limit: 1 } }]));
    expect(Object.keys(found)).toEqual(['', '(0)', '(1)']);
    expect(found['']?.message).toBe('No more retries left');
  });

  it.each([
    [true, 'Failed'],
    [undefined, 'Failed'],
    [false, 'Error'],
  ])('lets the first failed target decide with failFast %s of the dag, else the last: %s', (failFast, phase) => {
    const tasks: DAGTask[] = [
      { name: 'a', template: 'bad' },
      { name: 'b', template: 'good', when: '1 +' },
    ];
    expect(phasesOf(run([dag(tasks, failFast), GOOD, BAD]))['']).toBe(phase);
  });

  it("begins nothing more in a template whose own failFast holds it, and fails it with Argo's message", () => {
    const main: Template = {
      ...steps([
        { name: 'a', template: 'bad' },
        { name: 'b', template: 'good' },
        { name: 'c', template: 'good' },
      ]),
      failFast: true,
      parallelism: 1,
    };
    const found = nodesOf(run([main, GOOD, BAD]));
    expect(found['']?.message).toBe('template has failed or errored children and failFast enabled');
    expect(Object.keys(found).sort()).toEqual(['', '[0]', '[0].a']);
  });

  it.each([
    [{ failed: true }, 'Succeeded'],
    [{ error: true }, 'Failed'],
    [undefined, 'Failed'],
  ])('goes on after a failed step with continueOn %j: %s', (continueOn, phase) => {
    const main = steps(
      [{ name: 'a', template: 'bad', ...(continueOn === undefined ? {} : { continueOn }) }],
      [{ name: 'b', template: 'good' }],
    );
    const found = phasesOf(run([main, GOOD, BAD]));
    expect(found['']).toBe(phase);
    expect(found['[1].b']).toBe(phase === 'Succeeded' ? 'Succeeded' : undefined);
  });

  it.each([
    ['bad.Failed', 'Succeeded'],
    ['bad.Succeeded', 'Omitted'],
    ['good && bad', 'Omitted'],
    ['good || bad', 'Succeeded'],
    ['!bad.Succeeded', 'Succeeded'],
    ['each.AnySucceeded', 'Succeeded'],
    ['each.AllFailed', 'Omitted'],
  ])('runs a task that depends on %s: %s', (depends, phase) => {
    const tasks: DAGTask[] = [
      { name: 'good', template: 'good' },
      { name: 'bad', template: 'bad' },
      { name: 'each', template: 'exits', withItems: [0, 1], arguments: { parameters: [{ name: 'code', value: '{{item}}' }] } },
      { name: 'last', template: 'good', depends },
    ];
    const exits = { ...leaf('exits', 'exit={{inputs.parameters.code}}'), inputs: { parameters: [{ name: 'code' }] } };
    const found = nodesOf(run([dag(tasks, false), GOOD, BAD, exits]));
    expect(found['last']?.phase).toBe(phase);
    if (phase === 'Omitted') expect(found['last']?.message).toBe('omitted: depends condition not met');
  });

  it.each([
    ['{{steps.a.outputs.result}} == ok', 'Succeeded'],
    ['{{steps.a.outputs.result}} != ok', 'Skipped'],
  ])('runs a step when %s: %s', (when, phase) => {
    const found = nodesOf(run([steps([{ name: 'a', template: 'good' }], [{ name: 'b', template: 'good', when }]), GOOD]));
    expect(found['[1].b']?.phase).toBe(phase);
    expect(found['']?.phase).toBe('Succeeded');
  });

  it.each([
    [{ parallelism: 2 }, {}, 2],
    [{}, { parallelism: 3 }, 3],
    [{}, {}, 5],
  ])('has no more pods at once than the limits %j and %j allow: %i', (ofWorkflow, ofTemplate, most) => {
    const main: Template = { ...steps([{ name: 'a', template: 'good', withSequence: { count: 5 } }]), ...ofTemplate };
    let highest = 0;
    runSimulated(
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Workflow',
        metadata: { name: 'w' },
        spec: { entrypoint: 'main', templates: [main, GOOD], ...ofWorkflow },
      },
      {
        onDecision: (_decision, { nodes }) => {
          const open = [...nodes.values()].filter(
            ({ status }) => status.type === 'Pod' && /Pending|Running/.test(status.phase ?? ''),
          );
          highest = Math.max(highest, open.length);
        },
      },
    );
    expect(highest).toBe(most);
  });

  it('starts what waits for a slot of its DAG, whichever replica sees the slot come free', () => {
    const task = (name: string, template: string, ...dependencies: string[]): DAGTask => ({ name, template, dependencies });
    const main: Template = {
      ...dag([task('a', 'inner'), ...['b', 'c', 'd'].map((name) => task(name, 'inner', 'a')), task('e', 'inner', 'b', 'c', 'd')]),
      parallelism: 2,
    };
    const inner: Template = { ...dag([task('x', 'good'), task('y', 'good', 'x'), task('z', 'good', 'x')]), name: 'inner' };
    for (let seed = 0; seed < 20; seed += 1) {
      const spec = { entrypoint: 'main', templates: [main, inner, GOOD] };
      const found = runSimulated(
        { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { name: 'w' }, spec },
        { seed, replicas: true },
      );
      expect([seed, found.workflow.status?.phase]).toEqual([seed, 'Succeeded']);
    }
  });

  it('fires the hooks whose expressions are true, once each, and no others', () => {
    const hooks = {
      good: { template: 'good', expression: 'steps.a.status == "Succeeded"' },
      bad: { template: 'good', expression: 'steps.a.status == "Failed"' },
      running: { template: 'bad', expression: 'steps.a.status == "Running"' },
    };
    const found = run([steps([{ name: 'a', template: 'good', hooks }]), GOOD, BAD], {
      hooks: {
        begun: { template: 'good', expression: 'workflow.status == "Running"' },
        failed: { template: 'good', expression: 'workflow.status == "Failed"' },
      },
    });
    const names = Object.keys(nodesOf(found)).filter((name) => name.includes('hooks'));
    expect(names.sort()).toEqual(['[0].a.hooks.good', '[0].a.hooks.running', 'hooks.begun']);
    expect(found.workflow.status?.phase).toBe('Succeeded');
  });

  it('runs exit handlers after success and failure but not after a step that was skipped', () => {
    const main = steps([
      { name: 'a', template: 'good', onExit: 'good' },
      { name: 'b', template: 'bad', onExit: 'good', continueOn: { failed: true } },
      { name: 'c', template: 'good', onExit: 'good', when: 'false' },
    ]);
    const found = phasesOf(run([main, GOOD, BAD], { onExit: 'bad' }));
    expect(
      Object.keys(found)
        .filter((name) => name.endsWith('onExit'))
        .sort(),
    ).toEqual(['[0].a.onExit', '[0].b.onExit', 'onExit']);
  });

  it('fails a workflow that succeeded where its exit handler fails, and keeps the phase of one that failed', () => {
    const gone = { ...leaf('main', 'exit=1') };
    expect(run([steps([{ name: 'a', template: 'good' }]), GOOD, BAD], { onExit: 'bad' }).workflow.status?.phase).toBe('Failed');
    const failed = run([gone, GOOD], { onExit: 'good' }).workflow.status;
    expect(failed?.phase).toBe('Failed');
    expect(failed?.message).toBe('main: Error (exit code 1)');
  });

  it('joins the results of a loop in the order of its items, whichever ended first', () => {
    const slow: Template = {
      ...leaf('slow', 'ms={{=string(100 - 5 * asInt(inputs.parameters.i))}}', 'result={{inputs.parameters.i}}'),
      inputs: { parameters: [{ name: 'i' }] },
    };
    const shown: Template = {
      ...leaf('shown', 'result={{inputs.parameters.all}}'),
      inputs: { parameters: [{ name: 'all' }] },
    };
    const items = Array.from({ length: 12 }, (_, index) => index);
    const main = steps(
      [{ name: 'each', template: 'slow', withItems: items, arguments: { parameters: [{ name: 'i', value: '{{item}}' }] } }],
      [
        {
          name: 'last',
          template: 'shown',
          arguments: { parameters: [{ name: 'all', value: '{{steps.each.outputs.result}}' }] },
        },
      ],
    );
    const last = nodesOf(run([main, slow, shown]))['[1].last'];
    expect(JSON.parse(last?.inputs?.parameters?.[0]?.value ?? 'null')).toEqual(items);
  });

  it('shows outputs under their global names, to later steps and in the status', () => {
    const shown: Template = { ...leaf('shown', 'result={{workflow.outputs.parameters.mine}}'), name: 'shown' };
    const main = steps([{ name: 'a', template: 'gives' }], [{ name: 'b', template: 'shown' }]);
    const found = run([main, withResult('gives', 'seven', 'mine'), shown]);
    expect(found.workflow.status?.outputs?.parameters).toMatchObject([{ name: 'mine', value: 'seven' }]);
    const ordered = found.commands.flatMap((command) =>
      command.type === 'runPod' ? [command.order.template.container?.args] : [],
    );
    expect(ordered[1]).toEqual(['result=seven']);
  });
});
