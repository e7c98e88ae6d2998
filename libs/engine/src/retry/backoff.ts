import { parseDuration, type IntOrString, type RetryStrategy } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';

/** A whole number as it is written or as a tag has given it. Throws ExecutionError for anything else; undefined where it is not written. */
export const wholeNumber = (value: IntOrString | null | undefined): number | undefined => {
  if (value === undefined || value === null) return undefined;
  if (!/^[-+]?\d+$/.test(String(value)))
    throw new ExecutionError(`strconv.ParseInt: parsing ${JSON.stringify(String(value))}: invalid syntax`);
  return Number(value);
};

/** How long to wait before the next attempt, in milliseconds: duration × factor^(attempts − 1), at most `cap`. Throws ExecutionError without a duration. */
export const backoffMs = (backoff: NonNullable<RetryStrategy['backoff']>, attemptCount: number): number => {
  if (backoff.duration === undefined || backoff.duration === '')
    throw new ExecutionError('no base duration specified for retryStrategy');
  const baseMs = parseDuration(backoff.duration);
  const factor = wholeNumber(backoff.factor) ?? 0;
  const waitMs = factor > 0 ? baseMs * factor ** (attemptCount - 1) : baseMs;
  return backoff.cap === undefined || backoff.cap === '' ? waitMs : Math.min(waitMs, parseDuration(backoff.cap));
};

/** When the whole series has to be over, in milliseconds since the epoch; undefined without `maxDuration`. */
export const seriesDeadlineMs = (backoff: NonNullable<RetryStrategy['backoff']>, firstStartedAtMs: number): number | undefined =>
  backoff.maxDuration === undefined || backoff.maxDuration === ''
    ? undefined
    : firstStartedAtMs + parseDuration(backoff.maxDuration);

/** The duration as Argo's message names it: whole units, the largest two. */
export const spokenDuration = (durationMs: number): string => {
  const units: [string, number][] = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ];
  const parts: string[] = [];
  let restMs = durationMs;
  for (const [name, sizeMs] of units) {
    const count = Math.floor(restMs / sizeMs);
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? '' : 's'}`);
    restMs -= count * sizeMs;
  }
  return parts.length === 0 ? '0 seconds' : parts.join(' ');
};
