import { describe, expect, it } from 'vitest';
import {
  AbsentOptionalError,
  createScope,
  evaluateBoolean,
  evaluateDepends,
  evaluateExpression,
  evaluateWhen,
  findTags,
  Float64,
  goSprintf,
  parseDepends,
  parseGoJson,
  substitute,
  substituteJson,
  substituteString,
  UnresolvedTagError,
} from './index.js';

const VALUES = {
  'steps.a.outputs.result': '42',
  'steps.my-step.status': 'Succeeded',
  'workflow.name': 'w "1"',
  'workflow.parameters.x': 'name',
  'inputs.parameters.name': 'line\nbreak',
  'steps.skipped.outputs.result': null,
};
const scope = createScope(VALUES);

describe('templates', () => {
  it('replaces tags and quotes what a JSON text needs quoted', () => {
    expect(substitute('{"a":"{{ workflow.name }}"}', scope)).toBe('{"a":"w \\"1\\""}');
    expect(substituteString('{{inputs.parameters.name}}!', scope)).toBe('line\nbreak!');
  });

  it('keeps what it does not know, and refuses it under a strict prefix', () => {
    expect(substituteString('{{steps.b.status}}', scope)).toBe('{{steps.b.status}}');
    expect(() => substituteString('{{steps.b.status}}', scope, { strictPrefixes: ['steps'] })).toThrow(
      new UnresolvedTagError('steps.b.status'),
    );
    expect(substituteString('{{steps.b.outputs.artifacts.x}}', scope, { strictPrefixes: ['steps'] })).toContain('artifacts');
    expect(substituteString('{{=steps.b?.status}}', scope, { strictPrefixes: ['steps'] })).toBe('{{=steps.b?.status}}');
    expect(() => substituteString('{{=steps.b.status}}', scope, { strictPrefixes: ['steps'] })).toThrow(UnresolvedTagError);
    expect(substituteString('{{=sprig.trim(steps.a.outputs.result)}}', scope, { strictPrefixes: ['*'] })).toBe('42');
  });

  it('fills a nested tag from the inside', () => {
    const once = substituteString('{{inputs.parameters.{{workflow.parameters.x}}}}', scope);
    expect(once).toBe('{{inputs.parameters.name}}');
    expect(substituteString(once, scope)).toBe('line\nbreak');
  });

  it('tells the output of a skipped producer from an unknown name', () => {
    expect(() => substituteString('{{steps.skipped.outputs.result}}', scope)).toThrow(AbsentOptionalError);
    expect(substituteString("{{=steps.skipped.outputs.result ?? 'd'}}", scope)).toBe('d');
  });

  it('leaves an expression alone whose late variables are not there yet', () => {
    expect(substituteString('{{=item.x + workflow.name}}', scope)).toBe('{{=item.x + workflow.name}}');
    expect(substituteString("{{=lastRetry.exitCode == '1'}}", scope)).toContain('{{=');
    expect(substituteString('{{=item.x}}', createScope({ 'item.x': 'v' }, scope))).toBe('v');
  });

  it('returns JSON values without tags as they are', () => {
    const value = { plain: ['a', { b: 1 }], tagged: '{{steps.a.outputs.result}}' };
    const replaced = substituteJson(value, scope);
    expect(replaced).toEqual({ plain: ['a', { b: 1 }], tagged: '42' });
    expect(replaced.plain).toBe(value.plain);
  });

  it('treats a tag that runs over the end of its string as the JSON text does', () => {
    const value = { a: '{{open', b: { c: 'x' } };
    expect(substituteJson(value, scope)).toEqual(JSON.parse(substitute(JSON.stringify(value), scope)));
  });

  it('names the variables a text needs', () => {
    expect(findTags("{{a.b}} {{=steps['my-step'].status ?? c}}")).toEqual([
      { kind: 'simple', text: 'a.b', key: 'a.b' },
      {
        kind: 'expression',
        text: "=steps['my-step'].status ?? c",
        references: [
          { path: ['steps', 'my-step', 'status'], optional: true },
          { path: ['c'], optional: true },
        ],
      },
    ]);
  });
});

describe('scopes', () => {
  it('asks a resolver only for what is used', () => {
    const asked: string[] = [];
    const lazy = createScope({
      resolve: (key) => {
        asked.push(key);
        return key === 'a.b' ? 'v' : undefined;
      },
    });
    expect(substituteString('{{a.b}}', lazy)).toBe('v');
    expect(asked).toEqual(['a.b']);
    expect(substituteString('{{=a.b}}', createScope({}, lazy))).toBe('v');
  });

  it('drops a name that others begin with', () => {
    const env = { a: 'top', 'a.b': 'below' };
    expect(evaluateExpression('toJson(a)', env)).toBe('{"b":"below"}');
    expect(substituteString('{{a}}', createScope(env))).toBe('top');
  });

  it('lets the inner layer win', () => {
    const layered = createScope({ 'steps.a.outputs.result': 'inner' }, scope);
    expect(evaluateExpression('steps.a.outputs.result + workflow.parameters.x', layered)).toBe('innername');
  });
});

describe('expressions', () => {
  it.each([
    ['asInt("1.50")', 'invalid operation: int(1.50)'],
    ['asInt("0x10")', 'invalid operation: int(0x10)'],
    ['asInt(true)', 'invalid operation: int(bool)'],
    ["nope ?? 'x'", 'unknown name nope (1:1)'],
    ['steps.nope.outputs.result', 'cannot fetch outputs from <nil> (1:12)\n | steps.nope.outputs.result\n | ...........^'],
    ['1 +', 'unexpected token EOF'],
    ['now()', 'the current time is not known here'],
  ])('refuses %s', (source, message) => {
    expect(() => evaluateExpression(source, scope)).toThrow(message);
  });

  it('words the errors of conditions as Argo does', () => {
    expect(() => evaluateBoolean('steps.nope.status.x', scope)).toThrow(
      "unable to evaluate expression 'steps.nope.status.x': cannot",
    );
    expect(() => evaluateBoolean('workflow.parameters.x', scope)).toThrow("unable to cast expression result 'name' to bool");
  });

  it('tells ints from whole floats', () => {
    expect(evaluateExpression('6 / 2', {})).toEqual(new Float64(3));
    expect(evaluateExpression('9223372036854775807 + 1', {})).toBe(-(2n ** 63n));
    expect(evaluateExpression('string(100000000.0) + " " + toJson(1.0)', {})).toBe('1e+08 1');
  });

  it('gives the time it was told', () => {
    expect(evaluateExpression('now().Unix()', {}, 1_700_000_000_123)).toBe(1_700_000_000);
    expect(evaluateExpression("sprig.date('2006', 'any text')", {}, 1_700_000_000_123)).toBe('2023');
  });

  it.each([
    'reduce(1..900000, #acc + #acc, "xxxxxxxxxxxxxxxx")',
    'map(1..900, map(1..900, map(1..900, #)))',
    '1..1000000000000',
    'sprig.until(999999999)',
    'repeat("x", 1000000000)',
    `${'('.repeat(5000)}1${')'.repeat(5000)}`,
    `${'-'.repeat(5000)}1`,
    `"${'a'.repeat(50_000)}" matches "(a+)+$b"`,
  ])('ends %s within bounds', (source) => {
    const evaluate = (): unknown => evaluateExpression(source, {});
    if (source.includes('matches')) expect(evaluate()).toBe(false);
    else expect(evaluate).toThrow(/budget|nested|out of range/);
  });
});

describe('when', () => {
  it.each([
    ['heads == heads', true],
    ['True == true', false],
    ["'2021-01-01T00:00:00Z' < '2021-01-02T00:00:00Z'", true],
    ['', true],
  ])('evaluates %s', (expression, wanted) => {
    expect(evaluateWhen(expression)).toBe(wanted);
  });

  it.each([
    [
      '{{item}} != green',
      `Invalid 'when' expression '{{item}} != green': Invalid token: '{{' (hint: try wrapping the affected expression in quotes ("))`,
    ],
    ['a b', "Invalid 'when' expression 'a b': Cannot transition token types from VARIABLE [a] to VARIABLE [b]"],
    [
      '"10" > 9',
      "Failed to evaluate 'when' expresion '\"10\" > 9': Value '10' cannot be used with the comparator '>', it is not a number",
    ],
    ['foo', "Expected boolean evaluation for 'foo'. Got foo"],
  ])('refuses %s in words of Argo', (expression, message) => {
    expect(() => evaluateWhen(expression)).toThrow(message);
  });
});

describe('depends', () => {
  it('spells out bare names and knows what they wait for', () => {
    const depends = parseDepends('my-task && (b.Failed || !c.AnySucceeded)', (task) =>
      task === 'my-task' ? { failed: true } : undefined,
    );
    expect(depends.expression).toBe(
      '(my-task.Succeeded || my-task.Skipped || my-task.Daemoned || my-task.Failed) && (b.Failed || !c.AnySucceeded)',
    );
    expect(depends.tasks).toEqual([
      { name: 'my-task', items: false },
      { name: 'b', items: false },
      { name: 'c', items: true },
    ]);
    expect(evaluateDepends(depends, (task) => (task === 'my-task' ? { Failed: true } : {}))).toBe(true);
    expect(evaluateDepends(depends, () => ({ AnySucceeded: true }))).toBe(false);
  });

  it('refuses results that do not exist', () => {
    expect(() => parseDepends('a.Done')).toThrow("task result 'Done' for task 'a' is invalid");
  });
});

describe('Go formats', () => {
  it.each([
    ['%03d', [7], '007'],
    ['testuser%02X', [11], 'testuser0B'],
    ['%s-%d', ['a'], 'a-%!d(MISSING)'],
    ['x', [1], 'x%!(EXTRA int=1)'],
    ['%s', [1], '%!s(int=1)'],
    ['%-4d|%+d|%%', [1, 2], '1   |+2|%'],
    ['%v %q', [true, 'a"b'], 'true "a\\"b"'],
  ])('prints %s', (template, args, wanted) => {
    expect(goSprintf(template, ...args)).toBe(wanted);
  });

  it.each([
    ['not json', "invalid character 'o' in literal null (expecting 'u')"],
    ['[1,', 'unexpected end of JSON input'],
    ['[1 2]', "invalid character '2' after array element"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['hello', "invalid character 'h' looking for beginning of value"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['01', "invalid character '1' after top-level value"],
  ])('words the fault of the JSON text %s as Go does', (text, message) => {
    expect(() => parseGoJson(text)).toThrow(message);
  });
});
