import { describe, expect, it } from 'vitest';
import { StoreBusyError, StoreStatementError, StoreUnavailableError } from '../errors.js';
import { classifyMysqlError } from './classify-mysql-error.js';

/** As the driver throws an answer of the server. */
const answer = (errno: number, more: object = {}): Error => Object.assign(new Error('no'), { errno, sqlState: 'HY000', ...more });

describe('a failure of MySQL', () => {
  it.each([
    ['the address refuses', Object.assign(new Error('connect'), { code: 'ECONNREFUSED', errno: -111, fatal: true })],
    ['the connection is lost', Object.assign(new Error('lost'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true })],
    ['something without a number', new Error('Pool is closed.')],
    ['too many connections', answer(1040)],
    ['a password that is wrong now', answer(1045)],
    ['a server that goes down', answer(1053)],
    ['a server that may not write', answer(1290)],
  ])('is the server being away: %s', (_, error) => {
    expect(classifyMysqlError(error)).toBeInstanceOf(StoreUnavailableError);
  });

  it.each([1205, 1213, 1969, 3024])('is others being in the way: %d', (errno) => {
    expect(classifyMysqlError(answer(errno))).toBeInstanceOf(StoreBusyError);
  });

  it('is a statement that will be refused again otherwise', () => {
    const error = classifyMysqlError(answer(4025));
    expect(error).toBeInstanceOf(StoreStatementError);
    expect(error.message).toContain('4025');
    expect(classifyMysqlError(error)).toBe(error);
  });
});
