import { PermanentError, TransientError, UserError } from '#libs/workflow-spec';

import { StoreBusyError, StoreStatementError, StoreUnavailableError } from '../errors.js';

/** deadlock, serialization failure, lock timeout, statement timeout, and objects that a migration is about to make. */
const BUSY = new Set(['40001', '40P01', '55P03', '57014', '25P03']);
/** Classes and codes in which Postgres says that it is not there for us at the moment: connections, resources, shutdown, standby. */
const AWAY = /^(08|53|58|57P0[1-5]|25006|F0000|XX000)/;

/**
 * Postgres is there and does not let this account in: a password that is being changed, rules for clients, a database that is being put back or
 * renamed. The statement was not looked at.
 */
const REFUSED = /^(28|3D000)/;

/** No class of SQLSTATE begins with E, but five-letter errors of the system do (EPIPE). */
const SQLSTATE = /^(?!E)[0-9A-Z]{5}$/;

const sqlStateOf = (error: unknown): string | undefined => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && SQLSTATE.test(code) ? code : undefined;
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The one place that turns a failure of `pg` into an error class: by SQLSTATE where Postgres answered, otherwise the connection
 * failed (refused, reset, timed out, socket file missing) and the work is done again later.
 */
export function classifyStoreError(error: unknown): Error {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof UserError) return error;
  const sqlState = sqlStateOf(error);
  const message = messageOf(error);
  if (sqlState === undefined) return new StoreUnavailableError(`database: ${message}`, { cause: error });
  if (BUSY.has(sqlState)) return new StoreBusyError(`database: ${message}`, { cause: error });
  if (AWAY.test(sqlState)) return new StoreUnavailableError(`database: ${message}`, { cause: error });
  if (REFUSED.test(sqlState))
    return new StoreUnavailableError(`database: ${message} (${sqlState})`, { cause: error, isRefusal: true });
  return new StoreStatementError(`database: ${message} (${sqlState})`, sqlState, { cause: error });
}
