import { HandlerBindingError } from './errors.js';
import { type JobRoute } from './job.js';

/**
 * Refuses a program whose handlers do not match the jobs that it claims: each claimed job needs exactly one handler, and
 * no handler may stand for a pattern that was not claimed. All problems are named in one HandlerBindingError.
 */
export function assertHandlersMatch(claimed: readonly JobRoute[], handlerPatterns: readonly string[]): void {
  const problems: string[] = [];
  for (const job of claimed) {
    const count = handlerPatterns.filter((pattern) => pattern === job.pattern).length;
    if (count !== 1) problems.push(`${job.pattern} of queue ${job.queue} has ${count} handlers, needs exactly one`);
  }
  const known = new Set(claimed.map((job) => job.pattern));
  for (const pattern of new Set(handlerPatterns)) {
    if (!known.has(pattern)) problems.push(`a handler stands for ${pattern}, which this program does not claim`);
  }
  if (problems.length > 0) throw new HandlerBindingError(problems);
}
