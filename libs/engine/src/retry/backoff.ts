import { parseDuration, type RetryStrategy } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';

/** How long to wait before the next attempt, in milliseconds: duration × factor^(attempts − 1), at most `cap`. Throws ExecutionError without a duration. */
export const backoffMs = (backoff: NonNullable<RetryStrategy['backoff']>, attemptCount: number): number => {
  if (backoff.duration === undefined || backoff.duration === '')
    throw new ExecutionError('no base duration specified for retryStrategy');
  const baseMs = parseDuration(backoff.duration);
  const factor = backoff.factor === undefined ? 0 : Number(backoff.factor);
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
