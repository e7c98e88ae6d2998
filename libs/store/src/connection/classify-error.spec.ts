import { expect, it } from 'vitest';

import { StoreBusyError, StoreStatementError, StoreUnavailableError } from '../errors.js';
import { classifyStoreError } from './classify-error.js';

const failure = (code: string): Error => Object.assign(new Error('failed'), { code });

it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', '57P01', '08006', '53300'])(
  'takes %s as Postgres being away',
  (code) => {
    expect(classifyStoreError(failure(code))).toBeInstanceOf(StoreUnavailableError);
  },
);

it.each(['28P01', '28000', '3D000'])('takes %s as Postgres being away for this account, so that work waits', (code) => {
  const error = classifyStoreError(failure(code));
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(error).toMatchObject({ isRefusal: true });
  expect(classifyStoreError(failure('ECONNREFUSED'))).toMatchObject({ isRefusal: false });
});

it.each(['40P01', '40001', '57014'])('takes %s as Postgres being busy', (code) => {
  expect(classifyStoreError(failure(code))).toBeInstanceOf(StoreBusyError);
});

it.each(['42601', '23505', 'P0001'])('takes %s as a fault of the statement', (code) => {
  expect(classifyStoreError(failure(code))).toBeInstanceOf(StoreStatementError);
});
