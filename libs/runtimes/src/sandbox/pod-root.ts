import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import path from 'node:path';

import { type HostLayout, LAYER_FOLDERS, mountTable, type RootMode } from './mount-plan.js';
import { type MountedFolder, PodPaths, type PodView } from './pod-paths.js';

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

/** A folder or file that is mounted inside a container. */
export interface MountedVolume {
  /** Below the pod's folder, or absolute. */
  source: string;
  /** Path inside, free of links. */
  target: string;
  readOnly?: boolean;
  isFile?: boolean;
}

/** What of a container decides how its root looks. */
export interface RootParts {
  imageRoot?: string;
  /** Parents before what is mounted inside them. */
  volumes: readonly MountedVolume[];
  readOnlyRoot?: boolean;
}

/** Where a container's own files lie: the pod's folder, and the container's below it ('' where they are the same). */
export interface ContainerPlace {
  podFolder: string;
  folder: string;
}

const ROOT_FOLDER_MODE = 0o755;

/** Builds the roots of containers on this host: the folders beside their files, the table of mounts, and the view for staging and capture. */
export class PodRoots {
  private readonly isRunLinked = isLinkTo('/var/run', '/run');

  constructor(private readonly settings: PodRootSettings) {}

  /**
   * Makes in `place` what the mounts need; the table names paths below `finalPodFolder`, to which the pod's folder is renamed
   * afterwards. Gives the volumes with their targets as the container resolves them.
   */
  prepare(place: ContainerPlace, finalPodFolder: string, parts: RootParts): MountedVolume[] {
    const unfinished = path.join(place.podFolder, place.folder);
    for (const name of Object.values(LAYER_FOLDERS)) mkdirSync(path.join(unfinished, name), { recursive: true });
    for (const name of [LAYER_FOLDERS.root, LAYER_FOLDERS.upper]) chmodSync(path.join(unfinished, name), ROOT_FOLDER_MODE);
    chmodSync(path.join(unfinished, LAYER_FOLDERS.tmp), SHARED_TMP_MODE);
    mkdirSync(path.join(unfinished, LAYER_FOLDERS.run, 'lock'), { mode: 0o777 });
    const imageEntries = this.topEntries(parts.imageRoot);
    if (this.settings.mode !== 'overlay-root') this.makeTop(unfinished, parts.imageRoot, imageEntries);
    this.copyNameResolution(unfinished);
    const volumes = this.makeMountPoints(place, parts);
    writeFileSync(
      path.join(unfinished, 'fstab'),
      mountTable({
        mode: this.settings.mode,
        podFolder: path.join(finalPodFolder, place.folder),
        ...(parts.imageRoot === undefined ? {} : { imageRoot: parts.imageRoot }),
        imageFolders: imageEntries.folders,
        layout: this.settings.layout,
        deviceFolder: this.settings.deviceFolder,
        hidden: this.settings.hidden,
        volumes: volumes.map(({ source, target, readOnly }) => ({
          source: path.resolve(finalPodFolder, source),
          target,
          readOnly,
        })),
        readOnlyRoot: parts.readOnlyRoot === true,
        userNamespace: this.settings.userNamespace,
      }),
    );
    return volumes;
  }

  /** How paths of the container map to files of the host before the start and after the end. */
  view({ podFolder, folder }: ContainerPlace, { imageRoot, volumes }: RootParts): PodView {
    const own = path.join(podFolder, folder);
    const mounted: MountedFolder[] = [
      { target: '/tmp', source: path.join(own, LAYER_FOLDERS.tmp) },
      { target: '/run', source: path.join(own, LAYER_FOLDERS.run) },
      ...volumes.map((volume) => ({ target: volume.target, source: path.resolve(podFolder, volume.source) })),
    ];
    return { mounted, hidden: this.settings.hidden, layers: (podPath) => this.layers(own, imageRoot, podPath) };
  }

  /** Folder of a container that is its /var/run, where that is known without a look: the host links it to /run, and nothing stands in between. */
  runFolderOf({ imageRoot, volumes }: RootParts): string | undefined {
    return this.isRunLinked && imageRoot === undefined && volumes.length === 0 ? LAYER_FOLDERS.run : undefined;
  }

  /** Each mount point is made in what stands there without it: a layer of the root, or a volume that is mounted further up. */
  private makeMountPoints(place: ContainerPlace, parts: RootParts): MountedVolume[] {
    const made: MountedVolume[] = [];
    for (const volume of parts.volumes) {
      const paths = new PodPaths(this.view(place, { ...parts, volumes: made }));
      const target = paths.resolved(volume.target);
      if (paths.existing(target) === null && this.settings.mode !== 'read-only') {
        const file = paths.writable(target);
        if (volume.isFile === true) writeFileSync(file, '', { flag: 'a' });
        else mkdirSync(file, { recursive: true });
      }
      made.push({ ...volume, target });
    }
    return made;
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

  private topEntries(root: string | undefined): { folders: string[]; files: string[] } {
    if (root === undefined) return { folders: [], files: [] };
    const entries = readdirSync(root, { withFileTypes: true });
    return {
      folders: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
      files: entries.filter((entry) => entry.isFile()).map(({ name }) => name),
    };
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

function isLinkTo(link: string, target: string): boolean {
  try {
    return !lstatSync(path.dirname(link)).isSymbolicLink() && path.resolve(path.dirname(link), readlinkSync(link)) === target;
  } catch {
    return false;
  }
}
