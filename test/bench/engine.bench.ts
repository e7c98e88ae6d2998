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

/** A graph of loops of ten, in rows of a hundred: each task waits for two of the row before it. */
const loopsInGraph = (tasks: number): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'graph' },
  spec: {
    entrypoint: 'main',
    templates: [
      {
        name: 'main',
        dag: {
          tasks: Array.from({ length: tasks }, (_, at) => ({
            name: `t${at}`,
            template: 'leaf',
            withSequence: { count: '10' },
            ...(at < 100 ? {} : { dependencies: [`t${at - 100}`, `t${at % 100 === 0 ? at - 1 : at - 101}`] }),
          })),
        },
      },
      { name: 'leaf', container: { image: 'sim', command: ['sim'], args: ['result=ok'] } },
    ],
  },
});

/** One workflow of so many pods through the engine, every report a decision of its own, in virtual time. */
const measure = (workflow: Workflow, pods: number): EngineFigure => {
  const startedAtMs = performance.now();
  const run = runSimulated(workflow, { oneByOne: true, mostDecisions: 10 * pods + 1000 });
  return {
    nodes: Object.keys(run.workflow.status?.nodes ?? {}).length,
    decisions: run.decisions,
    durationMs: performance.now() - startedAtMs,
    heapBytes: process.memoryUsage().heapUsed,
  };
};

/** One loop of so many pods. */
export const measureEngine = (pods: number): EngineFigure => measure(sequence(pods), pods);

export interface EngineFigures {
  small: EngineFigure;
  large: EngineFigure;
  /** How much longer the large one takes; 10 would be exactly linear. */
  ratio: number;
}

/** One loop, small and large. */
export const engineFigures = (): EngineFigures => {
  measureEngine(500);
  const small = measureEngine(2_000);
  const large = measureEngine(20_000);
  return { small, large, ratio: large.durationMs / small.durationMs };
};

/** A graph of 200 and of 2,000 loops of ten. */
export const graphFigures = (): EngineFigures => {
  measure(loopsInGraph(50), 500);
  const small = measure(loopsInGraph(200), 2_000);
  const large = measure(loopsInGraph(2_000), 20_000);
  return { small, large, ratio: large.durationMs / small.durationMs };
};
