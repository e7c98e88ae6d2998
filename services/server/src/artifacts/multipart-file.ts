import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ApiError } from '../errors/errors.js';

/** One file of a form: its name as the sender gives it, and its bytes, which must be read or destroyed. */
export interface FormFile {
  fileName: string;
  body: Readable;
}

const MAX_HEADER_BYTES = 16 * 1024;
const NEWLINE = '\r\n';
const malformed = (what: string): ApiError => new ApiError(3, `the form cannot be read: ${what}`);

/**
 * The file in the field of this name of a `multipart/form-data` request (RFC 7578), as a stream: nothing of it is held but a piece as
 * long as the boundary. Fields before it are read over, those after it are left unread. Throws ApiError (invalid argument).
 */
export async function fileOfForm(request: IncomingMessage, field: string, maxBytes: number): Promise<FormFile> {
  const reader = new FormReader(request, boundaryOf(request.headers['content-type'] ?? ''));
  await reader.begin();
  for (let part = await reader.nextPart(); part !== undefined; part = await reader.nextPart()) {
    if (part.name === field && part.fileName !== undefined)
      return { fileName: part.fileName, body: Readable.from(bounded(reader.content(), maxBytes), { objectMode: false }) };
    for await (const _piece of reader.content()) continue;
  }
  throw new ApiError(3, `the form has no file in the field "${field}"`);
}

async function* bounded(content: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const piece of content) {
    size += piece.length;
    if (size > maxBytes) throw new ApiError(3, `the file is larger than ${maxBytes} bytes`, { httpStatus: 413 });
    yield piece;
  }
}

function boundaryOf(contentType: string): string {
  const boundary = /^multipart\/form-data\s*;.*?\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  const found = boundary?.[1] ?? boundary?.[2];
  if (found === undefined)
    throw new ApiError(3, 'send multipart/form-data with the file in the field "file"', { httpStatus: 415 });
  return found;
}

/** Reads a form from front to back. Between parts → in the headers of one → in its content → between parts; at the end none follows. */
class FormReader {
  private readonly source: AsyncIterator<Buffer>;
  private readonly delimiter: Buffer;
  private held: Buffer = Buffer.alloc(0);
  private ended = false;

  constructor(source: Readable, boundary: string) {
    this.source = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.delimiter = Buffer.from(`${NEWLINE}--${boundary}`);
  }

  /** Reads over what stands before the first part. */
  async begin(): Promise<void> {
    // The first boundary has no line before it.
    this.held = Buffer.from(NEWLINE);
    for await (const _piece of this.content()) continue;
  }

  /** The headers of the next part; undefined after the last. */
  async nextPart(): Promise<{ name: string; fileName: string | undefined } | undefined> {
    const mark = await this.through(NEWLINE);
    if (mark.startsWith('--')) return undefined;
    const headers = mark.trim() === '' ? await this.through(`${NEWLINE}${NEWLINE}`) : undefined;
    if (headers === undefined) throw malformed('a boundary is followed by other text');
    const disposition = /^content-disposition:\s*form-data;(.*)$/im.exec(headers)?.[1] ?? '';
    const parameter = (name: string): string | undefined =>
      new RegExp(`(?:^|;)\\s*${name}="([^"]*)"`, 'i').exec(disposition)?.[1];
    return { name: parameter('name') ?? '', fileName: parameter('filename') };
  }

  /** The bytes up to the next boundary. */
  async *content(): AsyncGenerator<Buffer> {
    for (;;) {
      const end = this.held.indexOf(this.delimiter);
      const known = end >= 0 ? end : Math.max(0, this.held.length - this.delimiter.length + 1);
      const piece = this.held.subarray(0, known);
      this.held = this.held.subarray(end >= 0 ? end + this.delimiter.length : known);
      if (piece.length > 0) yield piece;
      if (end >= 0) return;
      if (!(await this.more())) throw malformed('it ends in the middle');
    }
  }

  /** The text up to `end`, which is read over. */
  private async through(end: string): Promise<string> {
    for (;;) {
      const at = this.held.indexOf(end);
      if (at >= 0) {
        const text = this.held.toString('utf8', 0, at);
        this.held = this.held.subarray(at + end.length);
        return text;
      }
      // The last boundary may stand at the very end.
      if (this.held.toString('latin1', 0, 2) === '--') return '--';
      if (this.held.length > MAX_HEADER_BYTES) throw malformed('the headers of a part are too long');
      if (!(await this.more())) throw malformed('it ends in the middle');
    }
  }

  private async more(): Promise<boolean> {
    if (this.ended) return false;
    const next = await this.source.next();
    this.ended = next.done === true;
    if (next.done !== true) this.held = this.held.length === 0 ? next.value : Buffer.concat([this.held, next.value]);
    return !this.ended;
  }
}
