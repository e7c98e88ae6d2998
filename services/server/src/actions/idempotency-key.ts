import { ApiError } from '../errors/errors.js';

/** The header `Idempotency-Key` of a request: repeating it repeats the answer, not the effect. ApiError 3 where it is no plain short text. */
export function assertIdempotencyKey(key: string | undefined): string | undefined {
  if (key === undefined || key === '') return undefined;
  if (!/^[\w.:/-]{1,128}$/.test(key)) throw new ApiError(3, 'Idempotency-Key must be 1 to 128 letters, digits and any of _.:/-');
  return key;
}
