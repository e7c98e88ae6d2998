import { Readable } from 'node:stream';

import { TransientError } from '#libs/workflow-spec';

/**
 * The body of an answer as a stream that fails with TransientError where the connection breaks, or ends before `expectedBytes`
 * have come: neither may pass for a shorter object. `key` is its name in messages.
 */
export function wholeBody(body: Readable, expectedBytes: number | undefined, key: string): Readable {
  body.on('error', () => undefined);
  return Readable.from(checkedChunks(body, expectedBytes, key), { objectMode: false });
}

async function* checkedChunks(body: Readable, expectedBytes: number | undefined, key: string): AsyncGenerator<Buffer> {
  let received = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      received += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw new TransientError(`object store: reading "${key}" broke off after ${received} bytes`, { cause: error });
  } finally {
    body.destroy();
  }
  if (expectedBytes !== undefined && received !== expectedBytes) {
    throw new TransientError(`object store: "${key}" has ${expectedBytes} bytes, only ${received} came`);
  }
}
