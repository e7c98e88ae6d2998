import { PermanentError, TransientError, UserError } from '#libs/workflow-spec';

import { StoreBusyError, StoreStatementError, StoreUnavailableError } from '../errors.js';

/** Lock wait timeout, deadlock, changed meanwhile, statement interrupted or timed out (MySQL's and MariaDB's number). */
const BUSY = new Set([1205, 1213, 1020, 1317, 1969, 3024, 1412]);

/**
 * The server is not there for us now: too many connections, no memory or disk, shutting down, read-only, host blocked, network; also
 * wrong credentials and a database that is not there yet, which an operator puts right while work waits.
 */
const AWAY = new Set([
  1021, 1037, 1040, 1041, 1042, 1043, 1044, 1045, 1046, 1049, 1053, 1080, 1129, 1130, 1152, 1158, 1159, 1160, 1161, 1184, 1203,
  1226, 1290, 1836, 1129, 1698, 4031,
]);

const fieldOf = (error: unknown, field: string): unknown =>
  typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[field] : undefined;

/** The one place that turns a failure of mysql2 into an error class: by the server's number, whose names differ between the servers. */
export function classifyMysqlError(error: unknown): Error {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof UserError) return error;
  const errno = fieldOf(error, 'errno');
  const isAnswer = typeof errno === 'number' && errno > 1000 && typeof fieldOf(error, 'sqlState') === 'string';
  const message = `database: ${error instanceof Error ? error.message : String(error)}`;
  if (!isAnswer || fieldOf(error, 'fatal') === true || AWAY.has(errno))
    return new StoreUnavailableError(message, { cause: error });
  if (BUSY.has(errno)) return new StoreBusyError(message, { cause: error });
  return new StoreStatementError(`${message} (${errno})`, String(fieldOf(error, 'sqlState')), { cause: error });
}
