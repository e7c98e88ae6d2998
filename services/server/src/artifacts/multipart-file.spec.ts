import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileOfForm } from './multipart-file.js';

const TYPE = 'multipart/form-data; boundary=the-boundary';
const requestOf = (body: Buffer, pieceBytes: number, contentType = TYPE): IncomingMessage => {
  const pieces = Array.from({ length: Math.ceil(body.length / pieceBytes) }, (_unused, index) =>
    body.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
  return Object.assign(Readable.from(pieces), { headers: { 'content-type': contentType } }) as unknown as IncomingMessage;
};
const part = (headers: string, content: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(`--the-boundary\r\n${headers}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')]);
const file = (content: Buffer | string): Buffer =>
  part('Content-Disposition: form-data; name="file"; filename="a b.txt"\r\nContent-Type: text/plain', content);
const END = Buffer.from('--the-boundary--\r\n');

describe('the file of a form', () => {
  it('comes whole, whatever is in it and wherever the pieces are cut', async () => {
    const tricky = fc
      .constantFrom('\r\n', '--', '--the-boundary', '\r\n--the-boundar', 'x', '\0', '-')
      .map((text) => Buffer.from(text));
    const contents = fc.array(
      fc.oneof(
        tricky,
        fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(contents, fc.integer({ min: 1, max: 40 }), async (chunks, pieceBytes) => {
        const content = Buffer.concat(chunks);
        fc.pre(!`\r\n${content.toString('latin1')}`.includes('\r\n--the-boundary'));
        const before = part('Content-Disposition: form-data; name="note"', 'before');
        const found = await fileOfForm(requestOf(Buffer.concat([before, file(content), END]), pieceBytes), 'file', 1000);
        expect(found.fileName).toBe('a b.txt');
        expect((await buffer(found.body)).equals(content)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['no form', 'application/json', Buffer.from('{}'), /send multipart\/form-data/],
    [
      'a form without the file',
      TYPE,
      Buffer.concat([part('Content-Disposition: form-data; name="x"', 'y'), END]),
      /no file in the field "file"/,
    ],
    ['nothing', TYPE, Buffer.alloc(0), /it ends in the middle/],
    ['other text', TYPE, Buffer.from('--the-boundary and more\r\n'), /followed by other text/],
  ])('is missed in %s', async (_name, type, body, message) => {
    await expect(fileOfForm(requestOf(body, 1000, type), 'file', 1000)).rejects.toThrow(message);
  });

  it('is refused where the form breaks off, or it is too large', async () => {
    const whole = Buffer.concat([file('0123456789'), END]);
    const cut = await fileOfForm(requestOf(whole.subarray(0, whole.length - 25), 7), 'file', 1000);
    await expect(buffer(cut.body)).rejects.toThrow(/it ends in the middle/);
    const large = await fileOfForm(requestOf(whole, 7), 'file', 9);
    await expect(buffer(large.body)).rejects.toThrow('the file is larger than 9 bytes');
  });
});
