import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { TransientError } from '#libs/workflow-spec';

import type { StoredObject } from '../contract.js';

/** Objects out of newline-delimited JSON. An empty line ends them: without it the answer broke off. */
export async function* storedObjects(body: Readable): AsyncGenerator<StoredObject> {
  let failure: Error | undefined;
  body.on('error', (error) => {
    failure = error;
  });
  for await (const line of createInterface({ input: body, crlfDelay: Infinity })) {
    if (line === '') return;
    yield JSON.parse(line) as StoredObject;
  }
  throw new TransientError('artifact broker: the list broke off', { cause: failure });
}
