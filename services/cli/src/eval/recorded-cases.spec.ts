import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedFolder, sharedFolderHint } from '#libs/testing';
import { answerCase, type EvalAnswer, type EvalCase } from './answer-case.js';

interface RecordedCase extends EvalCase {
  readonly ok: boolean;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly stage?: string;
  readonly error?: string;
}

const folder = sharedFolder('conformance', 'expressions');
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Cases where we differ on purpose or cannot agree, by id, with the reason. */
const KNOWN_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['cron-tz-101', 'robfig/cron walks in whole hours and misses a time behind a half-hour change; this finds it'],
  ['cron-tz-109', 'robfig/cron never returns for a day that did not exist; this goes on to the next year'],
  ['gojq-q-73', 'jq calls a break without its label a failure of the run, gojq one of the compilation'],
  ['gojq-q-83', 'jq leaves alone what ltrimstr cannot trim, gojq refuses it'],
  ['quantity-p-45', 'the last digit of the approximation of a number beyond 64 bits'],
]);

/** Fields of a result that say what a Go program would hold, which a rendered template never shows. */
const GO_ONLY = new Set(['type', 'decoded', 'decodeError']);
/** Kinds whose errors users read as they are. */
const ERRORS_SEEN = new Set([
  'expr',
  'labels',
  'labelSelector',
  'fields',
  'duration',
  'condition',
  'smp',
  'quantity',
  'fasttemplate',
]);
/** Stages that one of ours stands for. */
const SAME_STAGE: Readonly<Record<string, string>> = { parse2: 'parse', json: 'query' };

/** Equal, where U+FFFD in the recording stands for whatever Go had there. */
const same = (ours: unknown, recorded: unknown): boolean => {
  if (typeof ours === 'string' && typeof recorded === 'string' && /\ufffd|\\ufffd/.test(recorded)) {
    return ours.replaceAll('\ufffd', '').length <= recorded.length;
  }
  if (Array.isArray(ours) && Array.isArray(recorded)) {
    return ours.length === recorded.length && ours.every((item, i) => same(item, recorded[i]));
  }
  if (typeof ours === 'object' && typeof recorded === 'object' && ours !== null && recorded !== null) {
    const keys = Object.keys(ours);
    const get = (object: object, key: string): unknown => (object as Record<string, unknown>)[key];
    return keys.length === Object.keys(recorded).length && keys.every((key) => same(get(ours, key), get(recorded, key)));
  }
  return ours === recorded;
};

const show = (value: unknown): string => JSON.stringify(value).slice(0, 200);

const differentResult = (ours: Readonly<Record<string, unknown>>, recorded: RecordedCase): string | undefined => {
  const { result = {} } = recorded;
  const isGoType = show(result['value'] ?? null).includes('"$go"');
  const fields = Object.keys(result).filter((field) => !GO_ONLY.has(field) && !(isGoType && field !== 'fmt'));
  const field = fields.find((name) => !same(ours[name] ?? null, result[name] ?? null));
  return field === undefined ? undefined : `${field} is ${show(ours[field] ?? null)}, not ${show(result[field] ?? null)}`;
};

const differentFault = (stage: string, error: string, recorded: RecordedCase): string | undefined => {
  const wanted = SAME_STAGE[recorded.stage ?? ''] ?? recorded.stage;
  if (wanted === 'panic' || wanted === 'timeout') return undefined;
  // govaluate tells a text that it cannot read from one that it cannot run by the type of a Go error alone.
  if (stage !== wanted && recorded.kind !== 'govaluate') return `stage ${stage}, not ${wanted} (${error})`;
  if (recorded.kind === 'when') {
    const words = String(recorded.error).replace('not a bool: ', 'Got ');
    return error.includes(words) ? undefined : `error ${error}, not ${words}`;
  }
  if (stage === 'bool' || !ERRORS_SEEN.has(recorded.kind) || error === recorded.error) return undefined;
  return `error ${error}, not ${recorded.error}`;
};

const differenceOf = (answer: EvalAnswer, recorded: RecordedCase): string | undefined => {
  if (answer.ok !== recorded.ok) return `gave ${show(answer)}, not ${show(recorded.result ?? recorded.error)}`;
  return answer.ok
    ? differentResult(answer.result as Readonly<Record<string, unknown>>, recorded)
    : differentFault(answer.stage, answer.error, recorded);
};

const readCases = (from: string): RecordedCase[] =>
  readFileSync(join(from, 'cases.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordedCase);

const title = folder === undefined ? sharedFolderHint('conformance', 'expressions') : 'the recorded expression cases';

describe.skipIf(folder === undefined)(title, () => {
  const cases = folder === undefined ? [] : readCases(folder);
  const totals: string[] = [];
  let passed = 0;

  it.each([...new Set(cases.map(({ kind }) => kind))])('answers the kind %s as the original', async (kind) => {
    const faults: { id: string; fault: string }[] = [];
    const ofKind = cases.filter((recorded) => recorded.kind === kind);
    for (const recorded of ofKind) {
      const fault = differenceOf(await answerCase(recorded, NOW_MS), recorded);
      if (fault !== undefined) faults.push({ id: recorded.id, fault });
    }
    passed += ofKind.length - faults.length;
    totals.push(`${kind} ${ofKind.length - faults.length}/${ofKind.length}`);
    expect(faults.filter(({ id }) => !KNOWN_DIFFERENCES.has(id))).toEqual([]);
  });

  it('answers at least 995 of 1000 over all kinds', () => {
    process.stdout.write(`expressions: ${passed} of ${cases.length} by kind: ${totals.join(', ')}\n`);
    expect(passed / cases.length).toBeGreaterThanOrEqual(0.995);
  });
});
