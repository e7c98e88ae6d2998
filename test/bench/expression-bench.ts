import { createScope, evaluateExpression, evaluateRaw, substitute } from '#libs/expressions';
import type { BenchRun } from './bench-run.js';
import type { Figure } from './figures.js';

const EXPRESSION = "steps.a.outputs.result == 'heads'";
const ENVIRONMENT = { steps: { a: { outputs: { result: 'heads' } } } };
const SCOPE = createScope({ 'steps.a.outputs.result': 'heads', 'inputs.parameters.n': '5' });
const TEMPLATE = '{"args":["{{inputs.parameters.n}}","{{steps.a.outputs.result}}"]}';
const ROUNDS = 7;
const ROUND_MS = 300;
const BATCH = 500;

/** Calls a second of `work`, which is given the number of its call: the median of some rounds, as others may need the machine in one. */
const rateOf = (work: (call: number) => void): number => {
  let calls = 0;
  const round = (): number => {
    const begun = calls;
    const startedAt = performance.now();
    while (performance.now() - startedAt < ROUND_MS) {
      for (const end = calls + BATCH; calls < end; calls += 1) work(calls);
    }
    return ((calls - begun) * 1000) / (performance.now() - startedAt);
  };
  round();
  const rates = Array.from({ length: ROUNDS }, round).sort((left, right) => left - right);
  return rates[Math.floor(ROUNDS / 2)] ?? 0;
};

/** Expressions alone: a compiled one over and over, and new ones that have to be compiled first. */
export const measureExpressions = (_run: BenchRun): Promise<Figure[]> => {
  const bench = 'expressions';
  const evaluations = rateOf(() => void evaluateRaw(EXPRESSION, ENVIRONMENT));
  const scoped = rateOf(() => void evaluateExpression(EXPRESSION, SCOPE));
  const compilations = rateOf((call) => void evaluateRaw(`${EXPRESSION} && ${call} != 7`, ENVIRONMENT));
  const substitutions = rateOf(() => void substitute(TEMPLATE, SCOPE));
  return Promise.resolve([
    { bench, figure: 'evaluations of a compiled small expression', value: evaluations, unit: '/s', goal: { atLeast: 500_000 } },
    { bench, figure: 'the same, its variables found in a scope', value: scoped, unit: '/s' },
    { bench, figure: 'compilations, each evaluated once', value: compilations, unit: '/s', goal: { atLeast: 20_000 } },
    { bench, figure: 'templates of two tags', value: substitutions, unit: '/s' },
  ]);
};
