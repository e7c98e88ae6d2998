// Makes the root folder of the image of the services: Node, the libraries that it is linked with, and the few files that libc looks for.
// No shell, no package manager, nothing else to keep up to date. Usage: node scripts/image-root.mjs FOLDER
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const USER = { name: 'node', id: 1000 };
const NODE = '/usr/local/bin/node';

const target = process.argv[2];
if (!target) {
  console.error('usage: node scripts/image-root.mjs FOLDER');
  process.exit(2);
}

const put = (source, path) => {
  const place = join(target, path);
  mkdirSync(dirname(place), { recursive: true });
  copyFileSync(realpathSync(source), place);
};
const write = (path, lines) => {
  mkdirSync(dirname(join(target, path)), { recursive: true });
  writeFileSync(join(target, path), `${lines.join('\n')}\n`);
};

const linked = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
// `name => /place (0x…)`, and the loader alone on its line; what the kernel itself gives has no place.
const libraries = [...linked.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, place]) => place);
if (libraries.length === 0) throw new Error(`ldd names no library of ${process.execPath}`);
for (const library of libraries) {
  put(library, library);
  chmodSync(join(target, library), 0o755);
}
put(process.execPath, NODE);
chmodSync(join(target, NODE), 0o755);

write('etc/passwd', [`root:x:0:0:root:/:/nonexistent`, `${USER.name}:x:${USER.id}:${USER.id}::/tmp:/nonexistent`]);
write('etc/group', ['root:x:0:', `${USER.name}:x:${USER.id}:`]);
write('etc/nsswitch.conf', ['passwd: files', 'group: files', 'hosts: files dns']);
for (const [folder, mode] of [
  ['tmp', 0o1777],
  ['data', 0o755],
]) {
  mkdirSync(join(target, folder), { recursive: true });
  chmodSync(join(target, folder), mode);
}
// A named volume that is mounted there belongs to the user of the image.
if (process.getuid?.() === 0) chownSync(join(target, 'data'), USER.id, USER.id);
