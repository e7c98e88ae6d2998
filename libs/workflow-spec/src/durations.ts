import { InvalidArgumentError } from './errors.js';

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

const invalidDuration = (text: string): InvalidArgumentError =>
  new InvalidArgumentError(`time: invalid duration "${text.slice(0, 64)}"`);

/** Milliseconds of a Go duration (`1h30m`, `1.5s`, `-2m`, `0`); InvalidArgumentError where it is none (Go time.ParseDuration). */
export const parseGoDuration = (text: string): number => {
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned === '0') return 0;
  if (unsigned === '') throw invalidDuration(text);
  let totalMs = 0;
  let position = 0;
  while (position < unsigned.length) {
    PART.lastIndex = position;
    const part = PART.exec(unsigned);
    if (part === null) throw invalidDuration(text);
    totalMs += Number(part[1]) * (UNIT_MS[part[2] ?? ''] ?? 0);
    position = PART.lastIndex;
  }
  return text.startsWith('-') ? -totalMs : totalMs;
};

/** Milliseconds of a duration as Argo's specs allow it: a bare number means seconds, everything else is a Go duration. */
export const parseDuration = (text: string): number => (/^-?\d+$/.test(text) ? Number(text) * 1000 : parseGoDuration(text));

const trimFraction = (value: number, digits: number): string => value.toFixed(digits).replace(/\.?0+$/, '');

/** A duration as Go prints it (`1m30s`, `1h0m0s`, `1.5s`, `20ms`, `0s`). */
export const formatGoDuration = (durationMs: number): string => {
  if (durationMs === 0) return '0s';
  const sign = durationMs < 0 ? '-' : '';
  const totalMs = Math.abs(durationMs);
  if (totalMs < 1e-3) return `${sign}${Math.round(totalMs * 1e6)}ns`;
  if (totalMs < 1) return `${sign}${trimFraction(totalMs * 1e3, 3)}µs`;
  if (totalMs < 1000) return `${sign}${trimFraction(totalMs, 6)}ms`;
  const hours = Math.floor(totalMs / 3_600_000);
  const minutes = Math.floor((totalMs % 3_600_000) / 60_000);
  const seconds = `${totalMs % 60_000 === 0 ? '0' : trimFraction((totalMs % 60_000) / 1000, 9)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
};
