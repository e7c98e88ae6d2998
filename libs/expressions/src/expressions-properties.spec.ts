import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createScope,
  evaluateExpression,
  evaluateWhen,
  ExpressionError,
  formatLabelSelector,
  goJson,
  matchesLabels,
  nextCronTime,
  parseCron,
  parseDepends,
  parseGoJson,
  parseLabelSelector,
  readGjson,
  queryJsonPath,
  substitute,
  substituteJson,
  substituteString,
} from './index.js';

const MOST_MS = 2_000;

/** Runs hostile input: it may only answer, or throw an ExpressionError, and must do so soon. */
function survives(run: () => unknown): void {
  const start = performance.now();
  try {
    run();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
  }
  expect(performance.now() - start).toBeLessThan(MOST_MS);
}

const words = [
  ...'( ) [ ] { } . ?. ?? ? : , ; | || && + - * / % ** .. == != < <= > >= ! # $env "a" \'b\' 1 2.5 0x1F -1 @ = ~ \\ ` é 👍'.split(
    ' ',
  ),
  ...'not in matches contains startsWith let if else nil true false item steps workflow.name asInt( filter( map( reduce( sum('.split(
    ' ',
  ),
  ...'len( sprig.trim( sprig.list( sprig.dict( date( duration( toJson( jsonpath( sort( groupBy( now() a b x = '.split(' '),
];
const soup = fc.array(fc.constantFrom(...words), { maxLength: 25 }).map((parts) => parts.join(' '));
const hostile = fc.oneof(soup, fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ maxLength: 60 }));
const values = { item: 'x', 'workflow.name': 'w', 'steps.a.outputs.result': '[1,2]', a: 1, b: null };

describe('hostile input', () => {
  it('only ever gets an answer or an ExpressionError from expressions', () => {
    fc.assert(
      fc.property(hostile, (source) => survives(() => evaluateExpression(source, values, 0))),
      { numRuns: 1500 },
    );
  });

  it('only ever gets an answer or an ExpressionError from conditions, depends and templates', () => {
    fc.assert(
      fc.property(hostile, (source) => {
        survives(() => evaluateWhen(source));
        survives(() => parseDepends(source));
        survives(() => substituteString(`{{${source}}} {{=${source}}}`, createScope(values)));
        survives(() => substitute(JSON.stringify(source), createScope(values)));
      }),
      { numRuns: 600 },
    );
  });

  it('only ever gets an answer or an ExpressionError from selectors, paths and schedules', () => {
    fc.assert(
      fc.property(hostile, fc.json(), (source, json) => {
        survives(() => matchesLabels(source, { a: 'b' }));
        survives(() => readGjson(json, source));
        survives(() => queryJsonPath(json, `$${source}`));
        survives(() => nextCronTime(parseCron(source), 0));
      }),
      { numRuns: 600 },
    );
  });
});

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);

describe('round trips', () => {
  it('parses what it formats: label selectors', () => {
    const requirement = fc.oneof(
      fc.tuple(name, fc.constantFrom('=', '!=', '=='), name).map((parts) => parts.join('')),
      fc
        .tuple(name, fc.constantFrom('in', 'notin'), fc.array(name, { minLength: 1, maxLength: 3 }))
        .map(([key, operator, list]) => `${key} ${operator} (${list.join(',')})`),
      name,
      name.map((key) => `!${key}`),
    );
    fc.assert(
      fc.property(fc.array(requirement, { minLength: 1, maxLength: 4 }), (requirements) => {
        const text = formatLabelSelector(parseLabelSelector(requirements.join(',')));
        expect(formatLabelSelector(parseLabelSelector(text))).toBe(text);
      }),
    );
  });

  it('reads back the JSON it writes, and writes what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = goJson(value);
        // Go keeps the sign of a negative zero, JSON.stringify drops it: both sides go through the latter.
        expect(JSON.parse(JSON.stringify(JSON.parse(text)))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(goJson(parseGoJson(text))).toBe(text);
      }),
      { examples: [[[-0]]] },
    );
  });

  it('replaces in a JSON value as in its text', () => {
    const piece = fc.constantFrom(
      '{{item}}',
      '{{nope}}',
      '{{=a + 1}}',
      '{{= item }}',
      'plain',
      '{',
      '}',
      '"',
      '\n',
      '<é>',
      '{{x.{{item}}}}',
    );
    const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
    const json = fc.dictionary(name, fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.integer()));
    const scope = createScope({ item: 'v"1\n', a: 1 });
    const attempt = (run: () => unknown): unknown => {
      try {
        return run();
      } catch (error) {
        if (error instanceof ExpressionError) return error.stage;
        throw error;
      }
    };
    fc.assert(
      fc.property(json, (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as object;
        expect(attempt(() => substituteJson(plain, scope))).toEqual(
          attempt(() => JSON.parse(substitute(goJson(plain), scope)) as unknown),
        );
      }),
    );
  });

  it('puts every next time of a schedule after the last', () => {
    const field = (least: number, most: number) =>
      fc.oneof(fc.constant('*'), fc.integer({ min: least, max: most }).map(String), fc.constantFrom('*/2', '*/7'));
    const line = fc.tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)).map((fields) => fields.join(' '));
    const zone = fc.constantFrom('UTC', 'America/New_York', 'Europe/Zurich', 'Australia/Lord_Howe');
    fc.assert(
      fc.property(line, zone, fc.integer({ min: 0, max: 4e12 }), (spec, where, fromMs) => {
        const schedule = parseCron(spec, where);
        const first = nextCronTime(schedule, fromMs);
        const second = first === undefined ? undefined : nextCronTime(schedule, first);
        expect(first === undefined || first > fromMs).toBe(true);
        expect(second === undefined || first === undefined || second > first).toBe(true);
        if (first !== undefined && first - 1 > fromMs) expect(nextCronTime(schedule, first - 1)).toBe(first);
      }),
      { numRuns: 60 },
    );
  });
});
