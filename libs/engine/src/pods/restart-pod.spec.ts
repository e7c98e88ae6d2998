import { describe, expect, it } from 'vitest';
import { playPod, runSimulated, type SimulatedRun, type SimulationOptions } from '#libs/testing';
import type { Template, Workflow } from '#libs/workflow-spec';

const workflow = (more: Partial<Template> = {}): Workflow => ({
  metadata: { name: 'evicted', namespace: 'lab' },
  spec: {
    entrypoint: 'main',
    templates: [{ name: 'main', container: { image: 'sim', command: ['sim'], args: ['seen={{retries}}'] }, ...more }],
  },
});

/** The first pods fail before they begin, for this reason. */
const failingFirst = (times: number, neverBegan: string): SimulationOptions['play'] => {
  let failures = times;
  return (order) => {
    const played = playPod(order);
    if (failures-- <= 0) return played;
    const { nodeId, incarnation } = played.report;
    return { ...played, report: { nodeId, incarnation, phase: 'Failed', neverBegan, message: 'no room' } };
  };
};
const run = (of: Workflow, play: SimulationOptions['play'], maxRestarts = 3): SimulatedRun =>
  runSimulated(of, { ...(play === undefined ? {} : { play }), config: { failedPodRestart: { maxRestarts } } });
const podsOf = ({ commands }: SimulatedRun) => commands.flatMap((command) => (command.type === 'runPod' ? [command.order] : []));

describe('pods that fail before they begin', () => {
  it('are made anew, as another incarnation of the same node', () => {
    const ended = run(workflow(), failingFirst(2, 'Evicted'));
    expect(ended.workflow.status?.phase).toBe('Succeeded');
    expect(ended.workflow.status?.nodes?.['evicted']).toMatchObject({ phase: 'Succeeded', failedPodRestarts: 2 });
    expect(podsOf(ended).map(({ incarnation }) => incarnation)).toEqual([1, 2, 3]);
  });

  it('fail for good after so many times, and for any other reason', () => {
    expect(run(workflow(), failingFirst(9, 'NodeShutdown'), 1).workflow.status).toMatchObject({
      phase: 'Failed',
      message: 'no room',
    });
    expect(podsOf(run(workflow(), failingFirst(1, 'OOMKilled')))).toHaveLength(1);
    expect(runSimulated(workflow(), { play: failingFirst(1, 'Evicted')! }).workflow.status?.phase).toBe('Failed');
  });

  it('are made anew without being asked to where their start was cut off, three times', () => {
    const after = (times: number, maxRestarts?: number): SimulatedRun =>
      runSimulated(workflow(), {
        play: failingFirst(times, 'StartError')!,
        ...(maxRestarts === undefined ? {} : { config: { failedPodRestart: { maxRestarts } } }),
      });
    expect(after(3).workflow.status).toMatchObject({ phase: 'Succeeded', nodes: { evicted: { failedPodRestarts: 3 } } });
    expect(after(4).workflow.status).toMatchObject({ phase: 'Failed', message: 'no room' });
    expect(after(4, 4).workflow.status?.phase).toBe('Succeeded');
  });

  it('are made anew as often as somebody deletes them, unless they ran', () => {
    const ended = runSimulated(workflow(), { play: failingFirst(5, 'Deleted')!, endsOnly: true });
    expect(ended.workflow.status?.phase).toBe('Succeeded');
    expect(ended.workflow.status?.nodes?.['evicted']).not.toHaveProperty('failedPodRestarts');
    expect(podsOf(ended).map(({ incarnation }) => incarnation)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(podsOf(runSimulated(workflow(), { play: failingFirst(1, 'Deleted')! }))).toHaveLength(1);
  });

  it('spend no attempt of a series, and are what the attempt was', () => {
    const ended = run(workflow({ retryStrategy: { limit: 0 } }), failingFirst(1, 'Evicted'));
    expect(ended.workflow.status?.phase).toBe('Succeeded');
    expect(podsOf(ended).map(({ template }) => template.container?.args)).toEqual([['seen=0'], ['seen=0']]);
  });
});
