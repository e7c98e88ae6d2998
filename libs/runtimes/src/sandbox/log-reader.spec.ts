import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { LogLine, LogOptions } from '../contract.js';
import { type LogFileSource, readBytes, readLines } from './log-reader.js';
import { noteLogSize, SandboxLogTimes } from './log-times.js';
import { PodFolder } from './pod-folder.js';

describe('the log of a sandbox pod', () => {
  let folder: string;
  let ended: boolean;
  let log: { pod: PodFolder; folder: string };
  let source: LogFileSource;
  let size: number;
  const write = (text: string, atMs: number): void => {
    appendFileSync(source.file, text);
    size = noteLogSize(log, atMs, size);
  };
  const lines = async (options: LogOptions = {}): Promise<LogLine[]> => {
    const found: LogLine[] = [];
    source.times.refresh();
    for await (const line of readLines(source, options)) found.push(line);
    return found;
  };
  const texts = async (options: LogOptions = {}): Promise<string[]> => (await lines(options)).map(({ text }) => text);

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'log-'));
    ended = true;
    size = 0;
    log = { pod: new PodFolder(folder), folder: '' };
    source = {
      file: path.join(folder, 'log'),
      container: 'main',
      times: new SandboxLogTimes(log),
      hasEnded: () => ended,
    };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('gives lines with their times and ends, a last one without line break at the end', async () => {
    write('one\nt', 1_000);
    write('wo\nüb', 2_000);
    expect(await lines()).toEqual([
      { container: 'main', atMs: 1_000, text: 'one', endByte: 4 },
      { container: 'main', atMs: 2_000, text: 'two', endByte: 8 },
      { container: 'main', atMs: 2_000, text: 'üb', endByte: 11 },
    ]);
    expect(await texts({ sinceMs: 1_500 })).toEqual(['two', 'üb']);
    expect(await texts({ sinceMs: 2_001 })).toEqual([]);
  });

  it('says nothing where there is no file', async () => {
    expect(await texts({ tailLines: 3, sinceMs: 1 })).toEqual([]);
  });

  it('finds the last lines of any text from its end', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\n'), maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, fc.nat(50), async (content, tailLines) => {
        writeFileSync(source.file, content);
        const whole = content.split('\n');
        if (whole.at(-1) === '') whole.pop();
        expect(await texts({ tailLines })).toEqual(tailLines === 0 ? [] : whole.slice(-tailLines));
      }),
      { numRuns: 300 },
    );
  });

  it('finds the last lines and those since a time across chunks of the file', async () => {
    const line = (index: number): string => `${String(index).padStart(7, '0')} ${'x'.repeat(90)}`;
    const block = (from: number): string => Array.from({ length: 5_000 }, (_, index) => `${line(from + index)}\n`).join('');
    write(block(0), 1_000);
    write(block(5_000), 2_000);
    expect((await texts({ tailLines: 3_000 }))[0]).toBe(line(7_000));
    expect((await texts({ sinceMs: 1_500 }))[0]).toBe(line(5_000));
    expect((await texts()).length).toBe(10_000);
  });

  it('gives a line of a megabyte in pieces, and nothing of it is lost', async () => {
    const text = 'y'.repeat(1_000_000);
    write(`${text}\nshort\n`, 1);
    const found = await texts();
    expect(found.length).toBeGreaterThan(3);
    expect(found.slice(0, -1).join('')).toBe(text);
  });

  it('follows the file until the container has ended, from any byte', async () => {
    ended = false;
    write('before\n', 1);
    const reading = texts({ follow: true });
    const bytes: Buffer[] = [];
    const copying = (async () => {
      for await (const chunk of readBytes(source, { fromByte: 3, follow: true })) bytes.push(chunk.bytes);
    })();
    write('while\nla', 2);
    write('st', 3);
    ended = true;
    expect(await reading).toEqual(['before', 'while', 'last']);
    await copying;
    expect(Buffer.concat(bytes).toString()).toBe('ore\nwhile\nlast');
  });
});
