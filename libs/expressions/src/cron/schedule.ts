import { ExpressionError } from '../errors.js';
import { goQuote } from '../golang/quote.js';
import { parseDuration } from '../golang/duration.js';
import { isKnownZone } from '../golang/zones.js';

/** A field of a cron line: the values it allows, and whether it was a bare `*` or `?`. */
export interface CronField {
  readonly values: ReadonlySet<number>;
  readonly any: boolean;
}

/** A parsed cron line in its zone, or a fixed interval (`@every`). */
export type CronSchedule =
  | {
      readonly kind: 'fields';
      readonly zone: string;
      readonly minute: CronField;
      readonly hour: CronField;
      readonly dayOfMonth: CronField;
      readonly month: CronField;
      readonly dayOfWeek: CronField;
    }
  | { readonly kind: 'every'; readonly intervalMs: number };

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly names: ReadonlyMap<string, number>;
}

const namesFrom = (text: string, first: number): ReadonlyMap<string, number> =>
  new Map(text.split(' ').map((name, i) => [name, i + first]));
const NO_NAMES: ReadonlyMap<string, number> = new Map();

const BOUNDS: readonly Bounds[] = [
  { least: 0, most: 59, names: NO_NAMES },
  { least: 0, most: 23, names: NO_NAMES },
  { least: 1, most: 31, names: NO_NAMES },
  { least: 1, most: 12, names: namesFrom('jan feb mar apr may jun jul aug sep oct nov dec', 1) },
  { least: 0, most: 6, names: namesFrom('sun mon tue wed thu fri sat', 0) },
];
const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const fail = (message: string): never => {
  throw new ExpressionError(message, 'parse');
};

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text))
    return fail(`failed to parse int from ${text}: strconv.Atoi: parsing ${goQuote(text)}: invalid syntax`);
  const value = Number(text);
  return value < 0 ? fail(`negative number (${value}) not allowed: ${text}`) : value;
}

const parseValue = (text: string, { names }: Bounds): number => names.get(text.toLowerCase()) ?? parseNumber(text);

interface Range {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly any: boolean;
}

function readRange(text: string, bounds: Bounds): Range {
  const [span = '', stepText, ...more] = text.split('/');
  const [low = '', high, ...others] = span.split('-');
  const any = low === '*' || low === '?';
  const from = any ? bounds.least : parseValue(low, bounds);
  if (others.length > 0) fail(`too many hyphens: ${text}`);
  if (more.length > 0) fail(`too many slashes: ${text}`);
  let to = any ? bounds.most : high === undefined ? from : parseValue(high, bounds);
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  if (stepText !== undefined && high === undefined) to = bounds.most;
  return { from, to, step, any: any && step <= 1 };
}

function parseRange(text: string, bounds: Bounds): Range {
  const range = readRange(text, bounds);
  const { from, to, step } = range;
  if (from < bounds.least) fail(`beginning of range (${from}) below minimum (${bounds.least}): ${text}`);
  if (to > bounds.most) fail(`end of range (${to}) above maximum (${bounds.most}): ${text}`);
  if (from > to) fail(`beginning of range (${from}) beyond end of range (${to}): ${text}`);
  if (step === 0) fail(`step of range should be a positive number: ${text}`);
  return range;
}

function parseField(text: string, bounds: Bounds): CronField {
  const values = new Set<number>();
  let any = false;
  for (const part of text.split(',').filter((item) => item !== '')) {
    const range = parseRange(part, bounds);
    any ||= range.any;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return { values, any };
}

function parseEvery(spec: string): CronSchedule {
  try {
    const seconds = Number(parseDuration(spec.slice('@every '.length)).ns / 1_000_000_000n);
    return { kind: 'every', intervalMs: Math.max(1, seconds) * 1000 };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`failed to parse duration ${spec}: ${reason}`);
  }
}

/** Cuts `CRON_TZ=zone` off. robfig/cron panics where nothing follows the zone; this refuses. */
function cutZone(spec: string, fallback: string): { zone: string; rest: string } {
  const match = /^(?:CRON_)?TZ=(\S*)([\s\S]*)$/.exec(spec);
  if (!match) return { zone: fallback, rest: spec };
  const [, zone = '', rest = ''] = match;
  if (!isKnownZone(zone)) fail(`provided bad location ${zone}: unknown time zone ${zone}`);
  if (rest.trim() === '') fail('missing fields after the time zone');
  return { zone, rest: rest.trim() };
}

/**
 * Parses a five-field cron line, a descriptor (`@daily`, `@every 90s`), optionally behind `CRON_TZ=zone`; `zone` is
 * the zone without one. Throws ExpressionError with robfig/cron's text.
 */
export function parseCron(spec: string, zone = 'UTC'): CronSchedule {
  if (spec === '') fail('empty spec string');
  if (!isKnownZone(zone)) fail(`provided bad location ${zone}: unknown time zone ${zone}`);
  const { zone: chosen, rest } = cutZone(spec, zone);
  if (rest.startsWith('@every ')) return parseEvery(rest);
  const line = rest.startsWith('@') ? (DESCRIPTORS[rest] ?? fail(`unrecognized descriptor: ${rest}`)) : rest;
  const texts = line.split(/\s+/).filter((field) => field !== '');
  if (texts.length !== 5) fail(`expected exactly 5 fields, found ${texts.length}: [${texts.join(' ')}]`);
  const fields = texts.map((text, i) => parseField(text, BOUNDS[i] ?? { least: 0, most: 0, names: NO_NAMES }));
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields as [CronField, CronField, CronField, CronField, CronField];
  return { kind: 'fields', zone: chosen, minute, hour, dayOfMonth, month, dayOfWeek };
}
