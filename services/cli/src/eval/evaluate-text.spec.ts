import { describe, expect, it } from 'vitest';
import { evaluateCondition, evaluateText, variablesOf } from './evaluate-text.js';

const NOW_MS = Date.UTC(2026, 0, 2);
const variables = variablesOf(['steps.a.outputs.result=x', 'inputs.parameters.n=5', 'query=a=b']);

describe('text to evaluate', () => {
  it.each([
    ['{{=sprig.upper(steps.a.outputs.result)}}-{{inputs.parameters.n}}', 'X-5'],
    ['asInt(inputs.parameters.n) + 1', '6'],
    ['{{query}}', 'a=b'],
    ['[1, "a"]', '[1 a]'],
  ])('%s is %s', (text, value) => expect(evaluateText(text, variables, NOW_MS)).toBe(value));

  it('names a tag without a value and an expression that does not compile', () => {
    expect(() => evaluateText('{{nothing}}', variables, NOW_MS)).toThrow('failed to resolve {{nothing}}');
    expect(() => evaluateText('1 +', variables, NOW_MS)).toThrow('unexpected token EOF');
    expect(() => variablesOf(['=x'])).toThrow('-p takes name=value');
  });

  it('is a condition with its tags replaced', () => {
    expect(evaluateCondition('{{inputs.parameters.n}} > 3', variables, NOW_MS)).toBe(true);
    expect(evaluateCondition('{{steps.a.outputs.result}} == y', variables, NOW_MS)).toBe(false);
  });
});
