import { parseDuration, UserError, type Template } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';

const millisecondsOf = (field: string, text: string | undefined): number | undefined => {
  if (text === undefined || text === '') return undefined;
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof UserError) throw new ExecutionError(`invalid ${field} format. ${error.message}`, { cause: error });
    throw error;
  }
};

/** Durations of a template that limit its nodes, in milliseconds. Throws ExecutionError for a text that is no duration. */
export const timeoutsOf = ({ timeout, pendingTimeout }: Template): { wholeMs?: number; pendingMs?: number } => {
  const wholeMs = millisecondsOf('timeout', timeout);
  const pendingMs = millisecondsOf('pendingTimeout', pendingTimeout);
  return { ...(wholeMs === undefined ? {} : { wholeMs }), ...(pendingMs === undefined ? {} : { pendingMs }) };
};

/** When a node that is still Pending has waited for too long, in milliseconds since the epoch; undefined: never. */
export const pendingDeadlineMs = (template: Template, startedAtMs: number): number | undefined => {
  const { wholeMs, pendingMs } = timeoutsOf(template);
  const limits = [wholeMs, pendingMs].filter((limit): limit is number => limit !== undefined);
  return limits.length === 0 ? undefined : startedAtMs + Math.min(...limits);
};
