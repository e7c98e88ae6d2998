import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { extract, type Header, pack, type Pack } from 'tar-stream';

import { UserError } from '#libs/workflow-spec';

/** An archive of files and folders that stand below `root` at their container paths. Parents are left out, so that theirs stay as they are. */
export function packPaths(root: string, containerPaths: readonly string[]): Readable {
  const archive = pack();
  void (async () => {
    try {
      for (const containerPath of containerPaths) await add(archive, path.join(root, containerPath), containerPath.slice(1));
      archive.finalize();
    } catch (error) {
      archive.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  })();
  return archive as unknown as Readable;
}

async function add(archive: Pack, file: string, name: string): Promise<void> {
  const stats = await lstat(file).catch(() => null);
  if (stats === null) return;
  const header = { name, mode: stats.mode & 0o7777, mtime: stats.mtime };
  if (stats.isSymbolicLink()) {
    archive.entry({ ...header, type: 'symlink', linkname: await readlink(file) });
  } else if (stats.isDirectory()) {
    archive.entry({ ...header, type: 'directory' });
    for (const child of await readdir(file)) await add(archive, path.join(file, child), `${name}/${child}`);
  } else if (stats.isFile()) {
    const entry = archive.entry({ ...header, size: stats.size });
    await pipeline(createReadStream(file), entry as unknown as NodeJS.WritableStream);
  }
}

/**
 * Unpacks what the daemon gave for one path. Answers the target where that path itself is a link, else null. Throws UserError for
 * entries that would leave the folder.
 */
export async function unpackInto(archive: Readable, folder: string, rootName: string): Promise<string | null> {
  const entries = extract();
  const links: { file: string; target: string }[] = [];
  const copies: { file: string; source: string }[] = [];
  let rootLink: string | null = null;
  const reading = pipeline(archive, entries as unknown as NodeJS.WritableStream);
  for await (const entry of entries) {
    const header: Header = entry.header;
    const name = insideName(header.name);
    const file = path.join(folder, name);
    if (header.type === 'directory') {
      await mkdir(file, { recursive: true });
    } else if (header.type === 'symlink') {
      if (name === rootName) rootLink = header.linkname ?? '';
      links.push({ file, target: header.linkname ?? '' });
    } else if (header.type === 'link') {
      copies.push({ file, source: path.join(folder, insideName(header.linkname ?? '')) });
    } else if (header.type === 'file') {
      await mkdir(path.dirname(file), { recursive: true });
      await pipeline(entry as unknown as Readable, createWriteStream(file, { mode: ((header.mode ?? 0o644) & 0o777) | 0o600 }));
      continue;
    }
    (entry as unknown as Readable).resume();
  }
  await reading;
  if (rootLink !== null) return rootLink;
  for (const { file, source } of copies) await copyFile(source, file);
  // Links come last, so that nothing was written through one.
  for (const { file, target } of links) await symlink(target, file);
  return null;
}

function insideName(written: string): string {
  const name = path.posix.normalize(written).replace(/\/+$/, '');
  if (name === '..' || name.startsWith('../') || path.posix.isAbsolute(name))
    throw new UserError(`archive entry ${written} leaves its folder`);
  return name;
}

/** An archive of empty folders that anybody may write, and of files with their bytes and modes, at their container paths. */
export function packContents(
  folders: readonly string[],
  files: readonly { path: string; content: Uint8Array; mode: number }[],
): Readable {
  const archive = pack();
  for (const folder of folders) archive.entry({ name: folder.slice(1), type: 'directory', mode: 0o777 });
  for (const { path: file, content, mode } of files)
    archive.entry({ name: file.slice(1), mode: mode & 0o777 }, Buffer.from(content));
  archive.finalize();
  return archive as unknown as Readable;
}
