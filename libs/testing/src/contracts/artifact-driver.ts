import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ArtifactDriver } from '#libs/artifacts';
import type { ArtifactLocation } from '#libs/workflow-spec';

/** One driver under test over an empty store, and how a key becomes a location for it. */
export interface ArtifactDriverUnderTest {
  driver: ArtifactDriver;
  locationOf(key: string): ArtifactLocation;
  /** Whether sizes and metadata of objects can be asked for; default yes. */
  keepsMetadata?: boolean;
  /** Uploads that were begun and neither finished nor discarded. */
  unfinishedUploads(): Promise<number>;
  close(): Promise<void>;
}

const MIB = 1024 ** 2;

/** Registers the rules that every driver with objects must keep. `open` is called once. */
export function describeArtifactDriver(name: string, open: () => Promise<ArtifactDriverUnderTest>): void {
  describe(`${name} artifact driver`, () => {
    let store: ArtifactDriverUnderTest;
    const at = (key: string): ArtifactLocation => store.locationOf(key);
    const save = (key: string, text: string, metadata: Record<string, string> = {}): Promise<void> =>
      store.driver.save(at(key), Readable.from([Buffer.from(text)]), { metadata });
    const read = async (key: string): Promise<string> => (await buffer(await store.driver.load(at(key)))).toString();
    const keysBelow = async (key: string): Promise<string[]> => {
      const keys: string[] = [];
      for await (const object of store.driver.list(at(key))) keys.push(object.key);
      return keys.sort();
    };

    const described = (found: { sizeBytes: number; metadata: Record<string, string> }) =>
      store.keepsMetadata === false ? { sizeBytes: 0, metadata: {} } : found;

    beforeAll(async () => {
      store = await open();
    });
    afterAll(async () => {
      await store.close();
    });

    it('gives back what was saved, with its size and metadata', async () => {
      await save('basic/hello.txt', 'hello', { 'workflow-uid': 'u-1', 'node-id': 'wf-1' });
      expect(await read('basic/hello.txt')).toBe('hello');
      expect(await store.driver.head(at('basic/hello.txt'))).toEqual(
        described({ sizeBytes: 5, metadata: { 'workflow-uid': 'u-1', 'node-id': 'wf-1' } }),
      );
    });

    it.each(['odd/sp ace +&.txt', 'odd/üñí.txt', 'odd/100%.txt', "odd/quote'(1).txt"])(
      'keeps the key %s as it is',
      async (key) => {
        await save(key, key);
        expect(await read(key)).toBe(key);
        expect(await keysBelow(key)).toEqual([key]);
      },
    );

    it('saves an empty body', async () => {
      await save('empty', '');
      expect(await read('empty')).toBe('');
    });

    it('replaces an object and its metadata', async () => {
      await save('twice', 'one', { 'workflow-uid': 'first' });
      await save('twice', 'two', { 'workflow-uid': 'second' });
      expect(await read('twice')).toBe('two');
      expect(await store.driver.head(at('twice'))).toEqual(described({ sizeBytes: 3, metadata: { 'workflow-uid': 'second' } }));
    });

    it('streams an object larger than one part with equal bytes', async () => {
      const sent = createHash('sha256');
      const body = Readable.from(
        (function* (): Generator<Buffer> {
          for (let index = 0; index < 40; index += 1) {
            const chunk = Buffer.alloc(MIB, index);
            sent.update(chunk);
            yield chunk;
          }
        })(),
      );
      await store.driver.save(at('large'), body);
      const received = createHash('sha256');
      for await (const chunk of await store.driver.load(at('large'))) received.update(chunk as Buffer);
      expect(received.digest('hex')).toBe(sent.digest('hex'));
      expect(await store.driver.head(at('large'))).toEqual(described({ sizeBytes: 40 * MIB, metadata: {} }));
    });

    it('says by its own error that an object does not exist', async () => {
      await expect(store.driver.load(at('nothing/here'))).rejects.toMatchObject({
        name: 'ArtifactNotFoundError',
        key: 'nothing/here',
      });
      expect(await store.driver.head(at('nothing/here'))).toBeUndefined();
      expect(await keysBelow('nothing/here')).toEqual([]);
      expect(await store.driver.isDirectory(at('nothing/here'))).toBe(false);
    });

    it('lists a folder of objects without its namesakes', async () => {
      for (const key of ['tree/a', 'tree/b/c', 'tree-other/x', 'treetop']) await save(key, key);
      expect(await keysBelow('tree')).toEqual(['tree/a', 'tree/b/c']);
      expect(await store.driver.isDirectory(at('tree'))).toBe(true);
      expect(await store.driver.isDirectory(at('treetop'))).toBe(false);
      expect(await keysBelow('treetop')).toEqual(['treetop']);
    });

    it('deletes an object, and again without complaint, and leaves its neighbours', async () => {
      await save('gone/one', '1');
      await save('gone/two', '2');
      await store.driver.delete(at('gone/one'));
      await store.driver.delete(at('gone/one'));
      expect(await keysBelow('gone')).toEqual(['gone/two']);
      await store.driver.delete(at('gone/two'));
      expect(await store.driver.isDirectory(at('gone'))).toBe(false);
    });

    it('leaves neither object nor parts where the body fails midway', async () => {
      const failing = Readable.from(
        (function* (): Generator<Buffer> {
          for (let index = 0; index < 36; index += 1) yield Buffer.alloc(MIB, 1);
          throw new Error('the disk is gone');
        })(),
      );
      await expect(store.driver.save(at('broken/body'), failing)).rejects.toThrow('the disk is gone');
      expect(await store.driver.head(at('broken/body'))).toBeUndefined();
      expect(await store.unfinishedUploads()).toBe(0);
    });

    it('leaves neither object nor parts where the save is aborted midway', async () => {
      const abort = new AbortController();
      const endless = Readable.from(
        (async function* (): AsyncGenerator<Buffer> {
          for (let index = 0; ; index += 1) {
            if (index === 40) abort.abort();
            if (index > 40) await new Promise((resolve) => setImmediate(resolve));
            yield Buffer.alloc(MIB, 1);
          }
        })(),
      );
      await expect(store.driver.save(at('broken/abort'), endless, { signal: abort.signal })).rejects.toMatchObject({
        name: 'AbortError',
      });
      expect(await store.driver.head(at('broken/abort'))).toBeUndefined();
      expect(await store.unfinishedUploads()).toBe(0);
    });

    it('keeps the old object where a save that would replace it fails', async () => {
      await save('kept', 'old');
      const failing = Readable.from(
        (function* (): Generator<Buffer> {
          yield Buffer.from('new');
          throw new Error('the disk is gone');
        })(),
      );
      await expect(store.driver.save(at('kept'), failing)).rejects.toThrow('the disk is gone');
      expect(await read('kept')).toBe('old');
    });

    it('needs a key', async () => {
      await expect(store.driver.load(at(''))).rejects.toThrow(/key is required/);
    });

    it('lets two saves of the same key end with one of them whole', async () => {
      const bodies = ['a'.repeat(100_000), 'b'.repeat(100_000)];
      await Promise.all(bodies.map((body) => save('race', body)));
      expect(bodies).toContain(await read('race'));
    });
  });
}
