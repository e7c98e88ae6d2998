const HEADER_BYTES = 8;
const STDOUT = 1;

/** One frame of the daemon's log stream. */
export interface LogFrame {
  stream: 'stdout' | 'stderr';
  data: Buffer;
}

/** Takes apart the stream of a container: 8 bytes of header (stream, length), then the text; with a terminal it is all text. */
export async function* logFrames(chunks: AsyncIterable<Buffer>, isTerminal = false): AsyncIterable<LogFrame> {
  if (isTerminal) {
    for await (const data of chunks) yield { stream: 'stdout', data };
    return;
  }
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt32BE(4);
      if (rest.length < HEADER_BYTES + length) break;
      yield { stream: rest[0] === STDOUT ? 'stdout' : 'stderr', data: rest.subarray(HEADER_BYTES, HEADER_BYTES + length) };
      rest = rest.subarray(HEADER_BYTES + length);
    }
  }
}

/** A line as the daemon writes it with `timestamps`: RFC 3339 with nanoseconds, a space, the text. */
export function parseStampedLine(line: string): { atMs: number; text: string } {
  const space = line.indexOf(' ');
  const atMs = Date.parse(line.slice(0, space).replace(/(\.\d{3})\d*/, '$1'));
  return Number.isNaN(atMs) ? { atMs: 0, text: line } : { atMs, text: line.slice(space + 1) };
}
