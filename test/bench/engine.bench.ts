import { runSimulated } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';

/** What one run of the engine alone took. */
export interface EngineFigure {
  nodes: number;
  decisions: number;
  durationMs: number;
  heapBytes: number;
}

const sequence = (count: number): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'many' },
  spec: {
    entrypoint: 'main',
    templates: [
      { name: 'main', steps: [[{ name: 'each', template: 'leaf', withSequence: { count: String(count) } }]] },
      { name: 'leaf', container: { image: 'sim', command: ['sim'], args: ['result=ok'] } },
    ],
  },
});

/** One workflow of so many pods through the engine, every report a decision of its own, in virtual time. */
export const measureEngine = (pods: number): EngineFigure => {
  const startedAtMs = performance.now();
  const run = runSimulated(sequence(pods), { oneByOne: true, mostDecisions: 10 * pods + 1000 });
  return {
    nodes: Object.keys(run.workflow.status?.nodes ?? {}).length,
    decisions: run.decisions,
    durationMs: performance.now() - startedAtMs,
    heapBytes: process.memoryUsage().heapUsed,
  };
};

/** Small and large, and how much longer the large one takes; 10 would be exactly linear. */
export const engineFigures = (): { small: EngineFigure; large: EngineFigure; ratio: number } => {
  measureEngine(500);
  const small = measureEngine(2_000);
  const large = measureEngine(20_000);
  return { small, large, ratio: large.durationMs / small.durationMs };
};
