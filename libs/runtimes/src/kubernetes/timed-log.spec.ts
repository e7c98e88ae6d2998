import { describe, expect, it } from 'vitest';

import { TimedLog } from './timed-log.js';

const LOG = [
  '2026-01-02T03:04:05.000000001Z one',
  '2026-01-02T03:04:05.000000002Z two',
  '2026-01-02T03:04:05.000000002Z two again',
  '2026-01-02T03:04:05.5Z ',
  '2026-01-02T05:04:06.25+02:00 a longer line, of another zone',
  '2026-01-02T03:04:06.250000001Z ünd the last',
].map((line) => Buffer.from(`${line}\n`));
const PRINTED = 'one\ntwo\ntwo again\n\na longer line, of another zone\nünd the last\n';

/** What the kubelet gives from a whole second on. */
const answerTo = (since: string | undefined): Buffer =>
  Buffer.concat(LOG.filter((line) => since === undefined || Date.parse(line.toString().split(' ')[0]!) >= Date.parse(since)));

const readAll = (log: TimedLog, bytes: Buffer, pieceBytes: number): { bytes: Buffer; bookmark: string | undefined }[] => {
  log.begin();
  const chunks = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const chunk = log.read(bytes.subarray(at, at + pieceBytes));
    if (chunk !== undefined) chunks.push({ bytes: Buffer.from(chunk.bytes), bookmark: chunk.bookmark });
  }
  return chunks;
};
const textOf = (chunks: readonly { bytes: Buffer }[]): string => Buffer.concat(chunks.map(({ bytes }) => bytes)).toString();

describe('a log with times', () => {
  it.each([1, 2, 7, 40, 10_000])('is what the container printed, however it arrives (%i bytes at a time)', (pieceBytes) => {
    expect(textOf(readAll(new TimedLog(), answerTo(undefined), pieceBytes))).toBe(PRINTED);
  });

  it('goes on at each of its bookmarks without a byte lost or doubled', () => {
    for (const pieceBytes of [1, 5, 64]) {
      const chunks = readAll(new TimedLog(), answerTo(undefined), pieceBytes);
      for (let kept = 1; kept <= chunks.length; kept += 1) {
        const next = new TimedLog(chunks[kept - 1]!.bookmark);
        const rest = readAll(next, answerTo(next.since), 3);
        expect(textOf([...chunks.slice(0, kept), ...rest])).toBe(PRINTED);
      }
    }
  });

  it('goes on after an answer that broke off in the middle of a line', () => {
    const whole = answerTo(undefined);
    for (let length = 1; length < whole.length; length += 11) {
      const first = new TimedLog();
      const before = readAll(first, whole.subarray(0, length), 4);
      expect(textOf([...before, ...readAll(first, answerTo(first.since), 4)])).toBe(PRINTED);
    }
  });

  it('asks for a whole second, and says when the last line was printed', () => {
    const log = new TimedLog();
    log.begin();
    expect(log.read(LOG[4]!)?.atMs).toBe(Date.parse('2026-01-02T03:04:06.250Z'));
    expect(log.since).toBe('2026-01-02T03:04:06.000Z');
  });

  it('leaves out what the kubelet itself says', () => {
    const log = new TimedLog();
    log.begin();
    const said = Buffer.from(
      'unable to retrieve container logs for containerd://0123456789abcdef0123456789abcdef0123456789abcdef\n',
    );
    expect(log.read(Buffer.concat([said, LOG[0]!, Buffer.from('short\n'), said, LOG[1]!]))?.bytes.toString()).toBe('one\ntwo\n');
  });

  it('passes over nothing of what is newer, where what was given is rotated away', () => {
    const log = new TimedLog('1767323040.000000000,3,2');
    expect(textOf(readAll(log, answerTo(log.since), 8))).toBe(PRINTED);
  });

  it('takes no bookmark that is none of its own', () => {
    expect(new TimedLog('some other words').since).toBeUndefined();
  });
});
