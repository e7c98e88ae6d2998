import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedFolder, sharedFolderHint } from '#libs/testing';
import { ExpressionError } from './errors.js';
import { evaluateRaw } from './expr/evaluate.js';
import { evaluateExpression, evaluateWhen, substitute } from './index.js';
import { checkTokens, tokenizeWhen } from './when/lexer.js';
import { evaluateTokens } from './when/plan.js';
import { nextCronTime } from './cron/next-time.js';
import { parseCron } from './cron/schedule.js';
import { matchesResource } from './json-paths/condition.js';
import { readGjson } from './json-paths/gjson.js';
import { renderKubeJsonPath } from './json-paths/kube-jsonpath.js';
import { queryJsonPath } from './json-paths/jsonpath.js';
import { parseDelimited } from './template/parse-template.js';
import { goJson } from './golang/json.js';
import { goFormatValue } from './golang/format-value.js';
import { goQuote } from './golang/quote.js';
import { Float64, int, isInt } from './golang/numbers.js';
import { GoDuration, GoTime } from './golang/time-values.js';
import { base64Decode, base64Encode } from './golang/base64.js';
import { isArray as isList, isRecord } from './golang/values.js';
import { formatRfc3339, formatTime, parseRfc3339 } from './golang/time-format.js';
import { parseTime } from './golang/time-parse.js';
import { unixSecondsOf } from './golang/calendar.js';
import { timeMethod } from './golang/time-methods.js';
import { formatDuration, parseArgoDuration, parseDuration, roundDuration } from './golang/duration.js';
import {
  formatLabelSelector,
  labelSelectorFrom,
  matchesLabels,
  parseLabelSelector,
  type StructuredLabelSelector,
} from './selectors/label-selector.js';
import { formatFieldSelector, matchesFields, parseFieldSelector } from './selectors/field-selector.js';
import { checkName, type NameKind } from './selectors/names.js';

interface RecordedCase {
  readonly id: string;
  readonly kind: string;
  readonly in: Readonly<Record<string, unknown>>;
  readonly ok: boolean;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly stage?: string;
  readonly error?: string;
}

/** What is wrong with our answer to a case; undefined when nothing is. */
type Runner = (recorded: RecordedCase) => string | undefined;

const folder = sharedFolder('conformance', 'expressions');

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Kinds that other parts of the system answer: jq in its own library, patches and quantities with the pod spec. */
const NOT_OURS = new Set(['gojq', 'smp', 'quantity']);

/** Cases where we differ on purpose or cannot agree, by id, with the reason. */
const KNOWN_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['cron-tz-101', 'robfig/cron walks in whole hours and misses a time behind a half-hour change; this finds it'],
  ['cron-tz-109', 'robfig/cron never returns for a day that did not exist; this goes on to the next year'],
]);

/** The tagged JSON form of a value in a recording, as a value of ours. */
function decode(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Record<string, unknown>);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && first[0].startsWith('$')) {
    const text = String(first[1]);
    switch (first[0]) {
      case '$int64':
      case '$int':
        return int(BigInt(text));
      case '$float':
        return new Float64(text === 'NaN' ? NaN : Number(text.replace('Inf', 'Infinity')));
      case '$time':
        return parseRfc3339(text);
      case '$dur':
        return parseDuration(text);
      case '$bytes':
        return base64Decode(text);
    }
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, decode(item)]));
}

/** A value of ours in the tagged JSON form of the recordings. */
function encode(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (isList(value)) return value.map(encode);
  if (isInt(value)) return typeof value === 'bigint' ? { $int: String(value) } : value;
  if (typeof value === 'number') return encodeFloat(value);
  if (value instanceof Float64) return encodeFloat(value.value);
  if (value instanceof GoTime) return { $time: formatRfc3339(value) };
  if (value instanceof GoDuration) return { $dur: goFormatValue(value) };
  if (value instanceof Uint8Array) return { $bytes: base64Encode(value) };
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [goFormatValue(k), encode(v)]));
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, encode(v)]));
  return value;
}

const encodeFloat = (value: number): unknown =>
  Number.isFinite(value) && !Number.isInteger(value) ? value : { $float: goFormatValue(new Float64(value)) };

/** Equal, where U+FFFD in the recording stands for whatever Go had there. */
function same(ours: unknown, recorded: unknown): boolean {
  if (typeof ours === 'string' && typeof recorded === 'string' && recorded.includes('\ufffd')) {
    return ours.replaceAll('\ufffd', '').length <= recorded.length;
  }
  if (Array.isArray(ours) && Array.isArray(recorded)) {
    return ours.length === recorded.length && ours.every((item, i) => same(item, recorded[i]));
  }
  if (isRecord(ours) && isRecord(recorded)) {
    const keys = Object.keys(ours);
    return keys.length === Object.keys(recorded).length && keys.every((key) => same(ours[key], recorded[key]));
  }
  return ours === recorded;
}

const show = (value: unknown): string => JSON.stringify(value).slice(0, 200);

const isAbsentType = (value: unknown): boolean => isRecord(value) && '$go' in value;

function sameTyped(ours: unknown, result: Readonly<Record<string, unknown>>): boolean {
  if (isAbsentType(result['value'])) return goFormatValue(ours) === result['fmt'];
  if (same(encode(ours), result['value'] ?? null)) return true;
  return false;
}

/** How an error differs from the recorded one; the words of a result that is not a bool are the recorder's. */
function differentFault({ stage, message }: ExpressionError, recorded: RecordedCase): string | undefined {
  if (stage !== recorded.stage) return `stage ${stage}, not ${recorded.stage} (${message})`;
  return stage === 'bool' || message === recorded.error ? undefined : `threw ${message}, not ${recorded.error}`;
}

function typed(recorded: RecordedCase, run: () => unknown, stages = true): string | undefined {
  let ours: unknown;
  try {
    ours = run();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    if (recorded.ok) return `threw ${error.message}`;
    if (recorded.stage === 'panic' || recorded.stage === 'timeout') return undefined;
    return stages ? differentFault(error, recorded) : undefined;
  }
  if (!recorded.ok) return `gave ${show(encode(ours))} instead of ${recorded.stage}: ${recorded.error}`;
  return sameTyped(ours, recorded.result ?? {})
    ? undefined
    : `gave ${show(encode(ours))}, not ${show(recorded.result?.['value'] ?? null)}`;
}

function plain(recorded: RecordedCase, expected: unknown, run: () => unknown): string | undefined {
  let ours: unknown;
  try {
    ours = run();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    if (recorded.ok) return `threw ${error.message}`;
    const seen = ['labels', 'labelSelector', 'fields', 'duration', 'condition'].includes(recorded.kind);
    return seen && error.message !== recorded.error ? `threw ${error.message}, not ${recorded.error}` : undefined;
  }
  if (!recorded.ok) return `gave ${show(ours)} instead of ${recorded.error}`;
  return same(ours, expected) ? undefined : `gave ${show(ours)}, not ${show(expected)}`;
}

const envOf = (recorded: RecordedCase): Record<string, unknown> => (decode(recorded.in['env']) ?? {}) as Record<string, unknown>;
const textOrEmpty = (value: unknown): string => (typeof value === 'string' ? value : '');
const textOf = (recorded: RecordedCase, field: string): string => textOrEmpty(recorded.in[field]);

const RUNNERS: Readonly<Record<string, Runner>> = {
  expr: (recorded) =>
    typed(recorded, () => {
      const source = textOf(recorded, 'expr');
      const env = envOf(recorded);
      const value =
        recorded.in['raw'] === true
          ? evaluateRaw(source, env, { strict: recorded.in['noEnv'] !== true, nowMs: NOW_MS })
          : evaluateExpression(source, env, NOW_MS);
      if (recorded.in['bool'] === true && typeof value !== 'boolean') throw new ExpressionError('not a bool', 'bool');
      return value;
    }),
  when: (recorded) => {
    let message: string;
    try {
      const value = evaluateWhen(textOf(recorded, 'expr'));
      return recorded.ok && value === recorded.result?.['value'] ? undefined : `gave ${value}`;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      message = error.message;
    }
    if (recorded.ok) return `threw ${message}`;
    const wanted = String(recorded.error).replace('not a bool: ', 'Got ');
    return message.includes(wanted) ? undefined : `threw ${message}, not ${recorded.error}`;
  },
  govaluate: (recorded) => {
    const env = envOf(recorded);
    return typed(
      recorded,
      () => {
        const tokens = tokenizeWhen(textOf(recorded, 'expr'));
        checkTokens(tokens);
        const value = evaluateTokens(tokens, (name) => (Object.hasOwn(env, name) ? env[name] : undefined));
        return toFloats(value);
      },
      false,
    );
  },
  fasttemplate: fastTemplate,
  argoTemplate: (recorded) => {
    const unresolved = recorded.in['unresolved'] === 'deny' ? 'error' : 'keep';
    return plain(recorded, recorded.result?.['value'], () =>
      substitute(`"${textOf(recorded, 'template')}"`, envOf(recorded), { unresolved }).slice(1, -1),
    );
  },
  labels: (recorded) =>
    plain(recorded, recorded.result, () => {
      const selector = parseLabelSelector(textOf(recorded, 'selector'));
      return {
        canonical: formatLabelSelector(selector),
        empty: selector.requirements.length === 0,
        matches: matchesLabels(selector, recorded.in['labels'] as Record<string, string>),
        requirements: selector.requirements.map(({ key, operator, values }) => ({ key, op: operator, values })),
      };
    }),
  labelSelector: (recorded) =>
    plain(recorded, recorded.result, () => {
      const selector = labelSelectorFrom(recorded.in['value'] as StructuredLabelSelector);
      const canonical = formatLabelSelector(selector);
      const matches = matchesLabels(selector, recorded.in['labels'] as Record<string, string>);
      return { canonical, format: canonical === '' ? '<none>' : canonical, matches };
    }),
  fields: (recorded) =>
    plain(recorded, recorded.result, () => {
      const selector = parseFieldSelector(textOf(recorded, 'selector'));
      return {
        canonical: formatFieldSelector(selector),
        matches: matchesFields(selector, recorded.in['labels'] as Record<string, string>),
        requirements: selector.map(({ field, operator, value }) => ({ field, op: operator, value })),
      };
    }),
  valid: (recorded) =>
    plain(recorded, recorded.result, () => {
      const count = checkName(recorded.in['type'] as NameKind, textOf(recorded, 's')).length;
      return { count, valid: count === 0 };
    }),
  duration: (recorded) =>
    plain(recorded, recorded.result, () => {
      const text = textOf(recorded, 's');
      const duration = recorded.in['type'] === 'argo' ? parseArgoDuration(text) : parseDuration(text);
      const all: Record<string, unknown> = {
        ns: String(duration.ns),
        string: formatDuration(duration),
        rounded: formatDuration(roundDuration(duration, new GoDuration(1_000_000_000n))),
        seconds: goFormatValue(timeMethod(duration, 'Seconds')?.([])),
      };
      return Object.fromEntries(Object.keys(recorded.result ?? {}).map((key) => [key, all[key]]));
    }),
  time: (recorded) =>
    plain(recorded, recorded.result, () => {
      const [layout, text] = [textOf(recorded, 'path'), textOf(recorded, 's')];
      if (recorded.in['type'] === 'parse') {
        const time = parseTime(layout, text);
        if (time instanceof ExpressionError) throw time;
        return { unix: String(unixSecondsOf(time)), value: formatRfc3339(time) };
      }
      const { unixNs } = parseRfc3339(text);
      return { value: formatTime(new GoTime(unixNs, textOf(recorded, 'tz') || 'UTC'), layout) };
    }),
  cron: (recorded) =>
    plain(recorded, recorded.result, () => {
      const schedule = parseCron(textOf(recorded, 's'), textOf(recorded, 'tz') || 'UTC');
      const next: string[] = [];
      let at: number | undefined = Date.parse(textOf(recorded, 'from'));
      while (next.length < Number(recorded.in['n'] ?? 5)) {
        at = nextCronTime(schedule, at);
        if (at === undefined) {
          if (recorded.stage === 'timeout') throw new ExpressionError('never');
          return { next: [...next, 'never'] };
        }
        next.push(new Date(at).toISOString().replace('.000Z', 'Z'));
      }
      return { next };
    }),
  jsonpath: (recorded) => typed(recorded, () => queryJsonPath(textOf(recorded, 'json'), textOf(recorded, 'path')), false),
  gjson: (recorded) =>
    plain(recorded, recorded.result, () => {
      const { exists, raw, type, text, number } = readGjson(textOf(recorded, 'json'), textOf(recorded, 'path'));
      const [isArray, isObject] = [raw.startsWith('['), raw.startsWith('{')];
      const all: Record<string, unknown> = { exists, raw, type, isArray, isObject, string: text, num: encodeFloat(number) };
      return Object.fromEntries(Object.keys(recorded.result ?? {}).map((key) => [key, all[key]]));
    }),
  condition: (recorded) =>
    plain(recorded, recorded.result, () => {
      const selector = parseLabelSelector(textOf(recorded, 'selector'));
      const each = selector.requirements.map((requirement) => matchesResource(requirement, textOf(recorded, 'json')));
      return { canonical: formatLabelSelector(selector), each };
    }),
  kubeJsonpath: (recorded) =>
    plain(recorded, recorded.result, () => ({
      value: renderKubeJsonPath(textOf(recorded, 'json'), textOf(recorded, 'path'), recorded.in['unresolved'] === 'allow'),
    })),
  gofmt: (recorded) => {
    const value = decode(recorded.in['value']);
    return plain(recorded, recorded.result, () => ({
      ...(recorded.result?.['v'] === undefined ? {} : { v: goFormatValue(value) }),
      ...(recorded.result?.['marshal'] === undefined ? {} : { marshal: goJson(value) }),
      ...(recorded.result?.['quote'] === undefined ? {} : { quote: goQuote(String(value)) }),
    }));
  },
};

function toFloats(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? new Float64(value) : value;
  return isList(value) ? value.map(toFloats) : value;
}

function fastTemplate(recorded: RecordedCase): string | undefined {
  const { unresolved, start = '{{', end = '}}' } = recorded.in;
  const parsed = parseDelimited(textOf(recorded, 'template'), String(start), String(end));
  if (parsed instanceof ExpressionError) {
    return recorded.ok || parsed.message !== recorded.error ? `threw ${parsed.message}` : undefined;
  }
  if (unresolved === 'tags') return plain(recorded, recorded.result, () => ({ tags: parsed.tags, text: parsed.texts }));
  const env = envOf(recorded);
  return plain(recorded, recorded.result?.['value'], () =>
    parsed.texts.reduce((out, text, i) => {
      const tag = parsed.tags[i - 1] ?? '';
      const missing = unresolved === 'keep' ? `{{${tag}}}` : '';
      return out + (Object.hasOwn(env, tag) ? String(env[tag]) : missing) + text;
    }),
  );
}

function readCases(from: string): RecordedCase[] {
  const lines = readFileSync(join(from, 'cases.jsonl'), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RecordedCase);
}

const title = folder === undefined ? sharedFolderHint('conformance', 'expressions') : 'the recorded expression cases';

describe.skipIf(folder === undefined)(title, () => {
  const cases = folder === undefined ? [] : readCases(folder).filter(({ kind }) => !NOT_OURS.has(kind));
  const totals: string[] = [];
  let passed = 0;

  it.each([...new Set(cases.map(({ kind }) => kind))])('answers the kind %s as the original', (kind) => {
    const ofKind = cases.filter((recorded) => recorded.kind === kind);
    const runner: Runner = RUNNERS[kind] ?? (() => 'no runner');
    const faults = ofKind.flatMap((recorded) => {
      const fault = runner(recorded);
      return fault === undefined ? [] : [{ id: recorded.id, fault }];
    });
    passed += ofKind.length - faults.length;
    totals.push(`${kind} ${ofKind.length - faults.length}/${ofKind.length}`);
    expect(faults.filter(({ id }) => !KNOWN_DIFFERENCES.has(id))).toEqual([]);
  });

  it('answers at least 995 of 1000 over all kinds', () => {
    process.stdout.write(`expressions: ${passed} of ${cases.length} by kind: ${totals.join(', ')}\n`);
    expect(passed / cases.length).toBeGreaterThanOrEqual(0.995);
  });
});
