import { engineFigures, graphFigures } from './engine.bench.js';
import type { Figure } from './figures.js';

/** The engine alone, in virtual time: decisions a second, and how the cost grows with the workflow. */
export const measureEngine = async (): Promise<Figure[]> => {
  const bench = 'engine';
  const { small, large, ratio } = engineFigures();
  const graph = graphFigures();
  return [
    { bench, figure: 'decisions a second, 2,000 pods', value: small.decisions / (small.durationMs / 1000), unit: '/s' },
    { bench, figure: 'decisions a second, 20,000 pods', value: large.decisions / (large.durationMs / 1000), unit: '/s' },
    { bench, figure: 'time of 20,000 / 2,000 pods', value: ratio, unit: '×' },
    {
      bench,
      figure: 'decisions a second, graph of 2,000 loops',
      value: graph.large.decisions / (graph.large.durationMs / 1000),
      unit: '/s',
    },
    { bench, figure: 'time of 2,000 / 200 loops in a graph', value: graph.ratio, unit: '×' },
  ];
};
