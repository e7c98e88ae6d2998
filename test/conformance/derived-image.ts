import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** The images that the cluster of the tests serves: name without its registry (`library/…:tag`) to digest and size of the manifest. */
type Index = Record<string, [digest: string, size: number]>;

interface Config {
  config: { Cmd?: string[]; Entrypoint?: string[] };
  rootfs: { diff_ids: string[] };
}
interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}
interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
}

/** What an image is made of: another one, with a folder over it and perhaps another program to start. */
export interface Derivation {
  base: string;
  /** Its files stand over those of the base. */
  folder?: string;
  entrypoint?: string[];
}

/** Names of all images in `folder`. Throws where nothing is served from there. */
export const imagesIn = (folder: string): string[] => Object.keys(indexOf(folder));

/** Makes the image `name` in `folder`, beside its base, for the nodes to pull. Throws where the base is not there. */
export const deriveImage = async (folder: string, name: string, derivation: Derivation): Promise<void> => {
  const found = indexOf(folder)[derivation.base];
  if (found === undefined) throw new Error(`there is no image ${derivation.base} in ${folder}`);
  const manifest = JSON.parse(readBlob(folder, found[0])) as Manifest;
  const config = JSON.parse(readBlob(folder, manifest.config.digest)) as Config;
  if (derivation.folder !== undefined) {
    const layer = put(folder, await tarOf(derivation.folder));
    config.rootfs.diff_ids.push(layer.digest);
    manifest.layers.push({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer });
  }
  if (derivation.entrypoint !== undefined) {
    config.config.Entrypoint = derivation.entrypoint;
    delete config.config.Cmd;
  }
  Object.assign(manifest.config, put(folder, JSON.stringify(config)));
  const { digest, size } = put(folder, JSON.stringify(manifest));
  const file = path.join(folder, 'index.json');
  // The registry reads it at every request, so it is never half written.
  writeFileSync(`${file}.${process.pid}`, JSON.stringify({ ...indexOf(folder), [name]: [digest, size] }, null, 1));
  renameSync(`${file}.${process.pid}`, file);
};

const indexOf = (folder: string): Index => JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8')) as Index;

const blobOf = (folder: string, digest: string): string => path.join(folder, 'blobs', digest.replace('sha256:', ''));
const readBlob = (folder: string, digest: string): string => readFileSync(blobOf(folder, digest), 'utf8');

const put = (folder: string, content: Buffer | string): Pick<Descriptor, 'digest' | 'size'> => {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  writeFileSync(blobOf(folder, digest), content);
  return { digest, size: Buffer.byteLength(content) };
};

/** The same bytes for the same files, so that the image is the same. */
const tarOf = async (folder: string): Promise<Buffer> => {
  const args = ['-C', folder, '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '-cf', '-', '.'];
  const { stdout } = await promisify(execFile)('tar', args, { encoding: 'buffer', maxBuffer: 512 * 1024 * 1024 });
  return stdout;
};
