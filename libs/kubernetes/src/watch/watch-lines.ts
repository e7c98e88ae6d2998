import { StringDecoder } from 'node:string_decoder';
import { TransientError } from '#libs/workflow-spec';

/** Of one event. The API server's own limit for an object is about 3 MiB. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;

/** The lines of a stream, without more than one of them in memory. TransientError where one is larger than any object can be. */
export async function* watchLines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of body) {
    const pieces = decoder.write(chunk).split('\n');
    for (const [index, piece] of pieces.entries()) {
      parts.push(piece);
      length += piece.length;
      if (length > MAX_LINE_CHARACTERS) throw new TransientError('an event of a watch is larger than any object can be');
      if (index === pieces.length - 1) break;
      const line = parts.join('');
      parts = [];
      length = 0;
      if (line !== '') yield line;
    }
  }
}
