import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

import fc from 'fast-check';
import tar from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';

import type { ArchiveStrategy } from '#libs/workflow-spec';

import { DEFAULT_ARCHIVE_LIMITS } from './archives/limits.js';
import { createArtifactDrivers } from './registry.js';
import { ArtifactTransfer } from './transfer.js';

type Tree = string | { [name: string]: Tree } | { link: string };
const isLink = (tree: Tree): tree is { link: string } => typeof tree === 'object' && typeof tree.link === 'string';

const namespace = 'argo';
const location = { filesystem: { key: 'wf/art.tgz' } };
let base: string;
let transfer: ArtifactTransfer;
const drivers = (): ReturnType<typeof createArtifactDrivers> =>
  createArtifactDrivers({ clock: { nowMs: () => Date.now() }, filesystem: { rootFolder: path.join(base, 'store') } });
const inside = (...names: string[]): string => path.join(base, 'pod', ...names);

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'transfer-'));
  await mkdir(inside());
  transfer = new ArtifactTransfer(drivers());
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function plant(target: string, tree: Tree): Promise<void> {
  if (typeof tree === 'string') return writeFile(target, tree);
  if (isLink(tree)) return symlink(tree.link, target);
  await mkdir(target);
  for (const [name, child] of Object.entries(tree)) await plant(path.join(target, name), child);
}

async function harvest(target: string): Promise<Tree> {
  const found = await lstat(target);
  if (found.isSymbolicLink()) return { link: await readlink(target) };
  if (found.isFile()) return readFile(target, 'utf8');
  const tree: { [name: string]: Tree } = {};
  for (const name of (await readdir(target)).sort()) tree[name] = await harvest(path.join(target, name));
  return tree;
}

const save = (archive?: ArchiveStrategy, metadata = {}): Promise<void> =>
  transfer.save({
    location,
    namespace,
    hostPath: inside('out'),
    entryName: 'out',
    metadata,
    ...(archive === undefined ? {} : { archive }),
  });
const load = (archive?: ArchiveStrategy): Promise<string> =>
  transfer.load({ location, namespace, hostPath: inside('in'), ...(archive === undefined ? {} : { archive }) });
const put = (bytes: Buffer): Promise<void> =>
  drivers()
    .driverFor(location, { namespace })
    .save(location, Readable.from([bytes]));

const names = fc
  .string({ unit: fc.constantFrom('a', 'b', 'Z', '0', '.', '-', ' ', 'ü', '$'), minLength: 1, maxLength: 8 })
  .filter((name) => !/^\.+$/.test(name));
const trees = fc.letrec<{ tree: Tree; folder: Tree }>((tie) => ({
  tree: fc.oneof({ depthSize: 'small' }, fc.string({ maxLength: 2000 }), tie('folder')),
  folder: fc.dictionary(names, tie('tree'), { maxKeys: 5, noNullPrototype: true }),
}));

describe('packing and unpacking', () => {
  it.each<[string, ArchiveStrategy]>([
    ['tar', { tar: {} }],
    ['an uncompressed tar', { tar: { compressionLevel: 0 } }],
    ['zip', { zip: {} }],
  ])('gives back any tree through %s', async (_name, archive) => {
    await fc.assert(
      fc.asyncProperty(trees.tree, async (tree) => {
        await rm(inside('out'), { recursive: true, force: true });
        await plant(inside('out'), tree);
        await save(archive);
        expect(await load(archive)).toBe('loaded');
        expect(await harvest(inside('in'))).toEqual(await harvest(inside('out')));
      }),
      { numRuns: 40 },
    );
  });

  it('gives back a folder of objects, without links and empty folders', async () => {
    await plant(inside('out'), { a: 'A', sub: { b: 'B', none: {} }, l: { link: 'a' } });
    await save({ none: {} });
    expect(await load({ none: {} })).toBe('loaded');
    expect(await harvest(inside('in'))).toEqual({ a: 'A', sub: { b: 'B' } });
  });

  it('saves a single file without an archive byte for byte', async () => {
    await plant(inside('out'), 'plain');
    await save({ none: {} });
    expect(await load()).toBe('loaded');
    expect(await harvest(inside('in'))).toBe('plain');
  });

  it.each<[string, ArchiveStrategy]>([
    ['tar', { tar: {} }],
    ['zip', { zip: {} }],
  ])('keeps modes and links that stay inside through %s', async (_name, archive) => {
    await plant(inside('out'), { run: '#!', closed: { x: 'x' }, deep: { up: { link: '../run' } } });
    await chmod(inside('out/run'), 0o755);
    await chmod(inside('out/closed/x'), 0o440);
    await chmod(inside('out/closed'), 0o500);
    await save(archive);
    await load(archive);
    const modeOf = async (name: string): Promise<string> => ((await lstat(inside('in', name))).mode & 0o7777).toString(8);
    expect([await modeOf('run'), await modeOf('closed'), await modeOf('closed/x')]).toEqual(['755', '500', '440']);
    expect(await readlink(inside('in/deep/up'))).toBe('../run');
    await chmod(inside('out/closed'), 0o700);
    await chmod(inside('in/closed'), 0o700);
  });

  it('drops set-user-id bits of an archive', async () => {
    await plant(inside('out'), { tool: 'x' });
    await chmod(inside('out/tool'), 0o4755);
    await save();
    await load();
    expect((await lstat(inside('in/tool'))).mode & 0o7777).toBe(0o755);
  });

  it('unpacks a gzipped tar without being told, and leaves a zip, a gzip and a plain tar as they are', async () => {
    await plant(inside('out'), { a: 'A' });
    await save();
    await load();
    expect(await harvest(inside('in'))).toEqual({ a: 'A' });
    for (const bytes of [
      await tarOf([{ name: 'a', body: 'A' }]),
      gzipSync('hello'),
      await zipOf([['a', 'A']]),
      Buffer.from([0x1f, 0x8b]),
      Buffer.alloc(0),
    ]) {
      await put(bytes);
      await load();
      expect(await readFile(inside('in'))).toEqual(bytes);
    }
  });

  it('leaves a gzipped tar packed where the artifact says that it is no archive', async () => {
    const bytes = gzipSync(await tarOf([{ name: 'a', body: 'A' }]));
    await put(bytes);
    await load({ none: {} });
    expect(await readFile(inside('in'))).toEqual(bytes);
  });

  it('makes one folder of an archive with several entries', async () => {
    await put(gzipSync(await tarOf([{ name: './' }, { name: './a', body: 'A' }, { name: './b', body: 'B' }])));
    await load();
    expect(await harvest(inside('in'))).toEqual({ a: 'A', b: 'B' });
  });

  it('takes hard links to earlier entries', async () => {
    await put(
      gzipSync(
        await tarOf([
          { name: 'd/a', body: 'A' },
          { name: 'd/b', type: 'link', linkname: 'd/a' },
        ]),
      ),
    );
    await load();
    expect(await harvest(inside('in'))).toEqual({ a: 'A', b: 'A' });
  });

  it('replaces what stands at the target, a folder by a file and a file by a folder', async () => {
    await plant(inside('in'), { old: { deep: 'x' } });
    await plant(inside('out'), 'new');
    await save();
    await load();
    expect(await harvest(inside('in'))).toBe('new');
    await rm(inside('out'));
    await plant(inside('out'), { f: '1' });
    await save();
    await load();
    expect(await harvest(inside('in'))).toEqual({ f: '1' });
    expect((await readdir(inside())).sort()).toEqual(['in', 'out']);
  });

  it('says that an artifact is missing, and leaves the target as it was', async () => {
    await plant(inside('in'), 'before');
    expect(await load()).toBe('missing');
    expect(await harvest(inside('in'))).toBe('before');
  });

  it('refuses to save what is not there, or is neither file nor folder', async () => {
    await expect(save()).rejects.toMatchObject({ name: 'ArtifactNotFoundError' });
    await symlink('/etc/passwd', inside('out'));
    for (const archive of [{ tar: {} }, { zip: {} }, { none: {} }])
      await expect(save(archive)).rejects.toMatchObject({ name: 'ArchiveRefusedError' });
    expect(await load()).toBe('missing');
  });

  it('never follows a link inside of a folder that is saved', async () => {
    await plant(inside('out'), { evil: { link: '/etc/passwd' }, folder: { link: '/etc' } });
    for (const archive of [{ tar: {} }, { zip: {} }]) {
      await save(archive);
      await expect(load(archive)).rejects.toThrow(/illegal symlink target/);
    }
    await save({ none: {} });
    expect((await drivers().driverFor(location, { namespace }).isDirectory(location)) ? 'folder' : 'object').toBe('object');
  });

  it('refuses a driver that it does not have by its name', async () => {
    await expect(transfer.load({ location: { plugin: { key: 'x' } }, namespace, hostPath: inside('in') })).rejects.toThrow(
      'unsupported artifact driver "plugin"',
    );
    await expect(transfer.load({ location: {}, namespace, hostPath: inside('in') })).rejects.toThrow(
      'the artifact has no location',
    );
    await expect(
      transfer.load({ location: { raw: { data: '' }, filesystem: { key: 'x' } }, namespace, hostPath: inside('in') }),
    ).rejects.toThrow('more than one location: filesystem, raw');
  });

  it('writes raw text, and refuses to save to it', async () => {
    expect(await transfer.load({ location: { raw: { data: 'text' } }, namespace, hostPath: inside('in') })).toBe('loaded');
    expect(await harvest(inside('in'))).toBe('text');
    await expect(
      transfer.saveBytes({ location: { raw: { data: '' } }, namespace, body: Readable.from(['x']), metadata: {} }),
    ).rejects.toThrow(/only be read/);
  });
});

interface TarEntry {
  name: string;
  body?: string;
  type?: 'file' | 'link' | 'symlink' | 'fifo' | 'character-device' | 'block-device' | 'directory';
  linkname?: string;
}

async function tarOf(entries: TarEntry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { name, body = '', type = name.endsWith('/') ? 'directory' : 'file', linkname } of entries) {
    pack.entry({ name, type, ...(linkname === undefined ? {} : { linkname }) }, body);
  }
  pack.finalize();
  return buffer(pack);
}

async function zipOf(entries: [string, string, number?][]): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, body, mode = 0o100644] of entries) zip.addBuffer(Buffer.from(body), name, { mode });
  zip.end();
  return buffer(zip.outputStream as Readable);
}

describe('hostile archives', () => {
  const link = (name: string, linkname: string): TarEntry => ({ name, type: 'symlink', linkname });
  const hostileTars: [string, TarEntry[]][] = [
    ['climbs out', [{ name: '../evil', body: 'x' }]],
    ['climbs out from below', [{ name: 'a/../../evil', body: 'x' }]],
    ['is absolute', [{ name: '/tmp/evil', body: 'x' }]],
    ['links to an absolute path', [link('l', '/etc')]],
    ['links out', [link('a/l', '../../evil')]],
    ['writes through a link that leads out', [link('l', '../..'), { name: 'l/evil', body: 'x' }]],
    ['climbs again after descending', [{ name: 'z/' }, link('p/q', '../z'), link('k', 'p/q/../../evil')]],
    [
      'links from a folder that is shallower than its name',
      [{ name: 'z/' }, link('a/b/c/s', '../../../z'), link('a/b/c/s/k', '../../../../evil')],
    ],
    ['replaces a folder by a link', [{ name: 'd/x', body: 'x' }, link('d', 'e')]],
    ['hard links a path outside', [{ name: 'h', type: 'link', linkname: '../store/secret' }]],
    ['hard links an absolute path', [{ name: 'h', type: 'link', linkname: '/etc/passwd' }]],
    ['hard links a link', [link('l', 'x'), { name: 'h', type: 'link', linkname: 'l' }]],
    ['holds a device', [{ name: 'null', type: 'character-device' }]],
    ['holds a pipe', [{ name: 'pipe', type: 'fifo' }]],
    [
      'writes below a file',
      [
        { name: 'f', body: 'x' },
        { name: 'f/g', body: 'x' },
      ],
    ],
  ];

  it.each(hostileTars)('refuses a tar that %s, and leaves nothing', async (_name, entries) => {
    await put(gzipSync(await tarOf(entries)));
    const before = (await readdir(base)).sort();
    await expect(load()).rejects.toMatchObject({ name: 'ArchiveRefusedError' });
    expect(await readdir(inside())).toEqual([]);
    expect((await readdir(base)).sort()).toEqual(before);
  });

  it('writes nothing outside of the target for any entries that were thought of', async () => {
    const paths = fc
      .array(fc.constantFrom('a', 'b', 'l', '..', '.', ''), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('/').replace(/\/+$/, '') || 'a');
    const entry = fc.oneof(
      fc.record({ name: paths, body: fc.constant('x') }),
      fc.record({ name: paths, type: fc.constant('symlink' as const), linkname: paths }),
      fc.record({ name: paths, type: fc.constant('link' as const), linkname: paths }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async (entries) => {
        await rm(inside('in'), { recursive: true, force: true });
        await writeFile(path.join(base, 'canary'), 'untouched');
        await put(gzipSync(await tarOf(entries)));
        await load({ tar: {} }).catch((error: unknown) => expect(error).toMatchObject({ name: 'ArchiveRefusedError' }));
        expect((await readdir(base)).sort()).toEqual(['canary', 'pod', 'store']);
        expect((await readdir(inside())).filter((name) => name !== 'in')).toEqual([]);
        expect(await readFile(path.join(base, 'canary'), 'utf8')).toBe('untouched');
      }),
      { numRuns: 150 },
    );
  });

  it.each<[string, Buffer, Buffer]>([
    ['climbs out', Buffer.from('aa/evil'), Buffer.from('../evil')],
    ['is absolute', Buffer.from('aa/evil'), Buffer.from('/a/evil')],
    ['uses backslashes', Buffer.from('aa/evil'), Buffer.from('..\\evil')],
  ])('refuses a zip with an entry that %s', async (_name, honest, hostile) => {
    const bytes = await zipOf([[honest.toString(), 'x']]);
    for (let at = bytes.indexOf(honest); at >= 0; at = bytes.indexOf(honest, at + 1)) hostile.copy(bytes, at);
    await put(bytes);
    await expect(load({ zip: {} })).rejects.toMatchObject({ name: 'ArchiveRefusedError' });
    expect(await readdir(inside())).toEqual([]);
  });

  it('refuses a zip with a link that leads out, and one with a device', async () => {
    await put(await zipOf([['l', '/etc/passwd', 0o120777]]));
    await expect(load({ zip: {} })).rejects.toThrow('illegal symlink target: l -> /etc/passwd');
    await put(await zipOf([['null', '', 0o020666]]));
    await expect(load({ zip: {} })).rejects.toThrow(/is a device/);
  });

  it('says that an archive cannot be read where it is cut or is none', async () => {
    const whole = gzipSync(await tarOf([{ name: 'a', body: 'x'.repeat(5000) }]));
    for (const bytes of [whole.subarray(0, whole.length - 20), Buffer.from('not an archive'), Buffer.alloc(0)]) {
      await put(bytes);
      await expect(load({ tar: {} })).rejects.toMatchObject({ name: 'ArchiveRefusedError' });
      await expect(load({ zip: {} })).rejects.toMatchObject({ name: 'ArchiveRefusedError' });
    }
    expect(await readdir(inside())).toEqual([]);
  });

  it.each<[string, ArchiveStrategy, Buffer]>([
    ['tar', { tar: {} }, gzipSync(Buffer.alloc(0))],
    ['zip', { zip: {} }, Buffer.alloc(0)],
  ])('refuses a %s that passes a limit on entries, bytes or ratio', async (kind, archive) => {
    const many = Array.from({ length: 20 }, (_unused, index) => ({ name: `f${index}`, body: '' }));
    const bomb = [{ name: 'bomb', body: '\0'.repeat(4 * 1024 ** 2) }];
    const pack = async (entries: { name: string; body: string }[]): Promise<Buffer> =>
      kind === 'tar' ? gzipSync(await tarOf(entries)) : zipOf(entries.map(({ name, body }) => [name, body]));
    const attempts: [typeof many, object, RegExp][] = [
      [many, { maxEntries: 10 }, /more than 10 entries/],
      [bomb, { maxTotalBytes: 1000 }, /more than 1000 bytes/],
      [bomb, { ratioFloorBytes: 1024 ** 2, maxRatio: 50 }, /more than 50 times its size/],
    ];
    for (const [entries, limits, message] of attempts) {
      transfer = new ArtifactTransfer(drivers(), { ...DEFAULT_ARCHIVE_LIMITS, ...limits });
      await put(await pack(entries));
      await expect(load(archive)).rejects.toThrow(message);
    }
  });
});
