import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import path from 'node:path';

import type { ImageEntry } from '../image-catalogue.js';
import { type HostLayout, LAYER_FOLDERS, mountTable, type RootMode } from './mount-plan.js';
import type { MountedFolder, PodView } from './pod-paths.js';

const NAME_RESOLUTION = '/etc/resolv.conf';
/** Top folders of which nothing of the host is shown. */
const NEVER_OF_HOST = new Set(['proc', 'sys', 'dev', 'run', 'boot', 'lost+found']);
const SHARED_TMP_MODE = 0o1777;

export interface PodRootSettings {
  mode: RootMode;
  userNamespace: boolean;
  layout: HostLayout;
  deviceFolder: string;
  /** Host paths of which a pod sees nothing: the data folder, sockets. */
  hidden: readonly string[];
}

/** A folder of the pod that is mounted inside (emptyDir): its name below the pod's folder and its path inside. */
export interface PodVolume {
  folder: string;
  target: string;
}

/** What of a pod decides how its root looks. */
export interface RootParts {
  image: ImageEntry | undefined;
  volumes: readonly PodVolume[];
}

/** Builds the root of pods on this host: the folders beside the pod's files, the table of mounts, and the view for staging and capture. */
export class PodRoots {
  constructor(private readonly settings: PodRootSettings) {}

  /** Makes in `unfinished` what the mounts need; the table names paths below `final`, to which the folder is renamed afterwards. */
  prepare(unfinished: string, final: string, { image, volumes }: RootParts): void {
    for (const name of Object.values(LAYER_FOLDERS)) mkdirSync(path.join(unfinished, name));
    chmodSync(path.join(unfinished, LAYER_FOLDERS.tmp), SHARED_TMP_MODE);
    mkdirSync(path.join(unfinished, LAYER_FOLDERS.run, 'lock'), { mode: 0o777 });
    for (const volume of volumes) this.makeVolume(unfinished, volume);
    const imageEntries = this.topEntries(image);
    if (this.settings.mode !== 'overlay-root') this.makeTop(unfinished, image?.root, imageEntries);
    this.copyNameResolution(unfinished);
    writeFileSync(
      path.join(unfinished, 'fstab'),
      mountTable({
        mode: this.settings.mode,
        podFolder: final,
        ...(image?.root === undefined ? {} : { imageRoot: image.root }),
        imageFolders: imageEntries.folders,
        layout: this.settings.layout,
        deviceFolder: this.settings.deviceFolder,
        hidden: this.settings.hidden,
        volumes: volumes.map(({ folder, target }) => ({ source: path.join(final, folder), target })),
        userNamespace: this.settings.userNamespace,
      }),
    );
  }

  /** How paths of the pod map to files of the host before the start and after the end. */
  view(folder: string, { image, volumes }: RootParts): PodView {
    const mounted: MountedFolder[] = [
      { target: '/tmp', source: path.join(folder, LAYER_FOLDERS.tmp) },
      { target: '/run', source: path.join(folder, LAYER_FOLDERS.run) },
      ...volumes.map((volume) => ({ target: volume.target, source: path.join(folder, volume.folder) })),
    ];
    return { mounted, hidden: this.settings.hidden, layers: (podPath) => this.layers(folder, image?.root, podPath) };
  }

  private layers(folder: string, imageRoot: string | undefined, podPath: string): string[] {
    const top = podPath.split('/')[1] ?? '';
    const { mode, layout } = this.settings;
    const ofImage = imageRoot === undefined ? [] : [path.join(imageRoot, podPath)];
    const ofHost = NEVER_OF_HOST.has(top) ? [] : [podPath];
    const own = path.join(folder, LAYER_FOLDERS.root, podPath);
    if (mode === 'overlay-root') return [path.join(folder, LAYER_FOLDERS.upper, podPath), ...ofImage, ...ofHost];
    const mounted = layout.topFolders.find(({ name }) => name === top);
    if (mounted === undefined) return [own, ...ofImage];
    if (mode === 'overlay-directories' && !mounted.nested)
      return [path.join(folder, LAYER_FOLDERS.upper, podPath), ...ofImage, ...ofHost];
    return [own, ...ofHost];
  }

  /** The first level of the root where it is no overlay: mount points, links, and the image's own files. */
  private makeTop(unfinished: string, imageRoot: string | undefined, image: { folders: string[]; files: string[] }): void {
    const { layout } = this.settings;
    const { upper, work, root } = LAYER_FOLDERS;
    for (const name of ['proc', 'dev', 'tmp', 'run', 'sys', 'argo', 'root', ...image.folders])
      mkdirSync(path.join(unfinished, root, name), { recursive: true });
    for (const { name } of layout.topFolders) {
      for (const layer of [upper, work, root]) mkdirSync(path.join(unfinished, layer, name), { recursive: true });
    }
    for (const { name, target } of layout.topLinks) symlinkSync(target, path.join(unfinished, root, name));
    for (const name of image.files) copyFileSync(path.join(imageRoot ?? '', name), path.join(unfinished, root, name));
  }

  private topEntries(image: ImageEntry | undefined): { folders: string[]; files: string[] } {
    const root = image?.root;
    if (root === undefined) return { folders: [], files: [] };
    const entries = readdirSync(root, { withFileTypes: true });
    return {
      folders: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
      files: entries.filter((entry) => entry.isFile()).map(({ name }) => name),
    };
  }

  private makeVolume(unfinished: string, volume: PodVolume): void {
    mkdirSync(path.join(unfinished, volume.folder), { recursive: true });
    chmodSync(path.join(unfinished, volume.folder), 0o777);
    if (this.settings.mode === 'read-only') return;
    // The mount point itself; parents that the host has are only covered by folders of the same name.
    if (existsSync(volume.target) && lstatSync(volume.target).isDirectory()) return;
    const layer = this.layers(unfinished, undefined, volume.target)[0];
    if (layer !== undefined) mkdirSync(layer, { recursive: true });
  }

  /** /etc/resolv.conf often is a link into /run, of which a pod sees nothing: the file is copied to where the link leads. */
  private copyNameResolution(unfinished: string): void {
    let target: string;
    try {
      target = realpathSync(NAME_RESOLUTION);
    } catch {
      return;
    }
    if (!target.startsWith('/run/')) return;
    const copy = path.join(unfinished, LAYER_FOLDERS.run, path.relative('/run', target));
    mkdirSync(path.dirname(copy), { recursive: true });
    copyFileSync(target, copy);
  }
}
