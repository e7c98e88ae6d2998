import path from 'node:path';

import { fstabField } from './shell-text.js';

/**
 * How the pod's root is made. `overlay-root`: one overlay over the host's root. `overlay-directories`: the top folders of the
 * host one by one, each as an overlay of its own (all that a user namespace allows). `read-only`: the same folders bound read-only.
 */
export type RootMode = 'overlay-root' | 'overlay-directories' | 'read-only';

export interface Mount {
  source: string;
  /** Path inside the pod. */
  target: string;
  type: string;
  options: string;
}

/** What the host's root looks like, read once when the runtime starts. */
export interface HostLayout {
  /** Top folders that a pod may see, without leading slash; `nested` have mounts below them. */
  topFolders: { name: string; nested: boolean }[];
  /** Top links, for example `bin` → `usr/bin`. */
  topLinks: { name: string; target: string }[];
  /** Further file systems with files of the host, for example a separate /home. */
  submounts: string[];
  /** Devices that exist. */
  devices: string[];
}

export interface MountPlanInput {
  mode: RootMode;
  podFolder: string;
  imageRoot?: string;
  /** Top folders that the image has. */
  imageFolders?: readonly string[];
  layout: HostLayout;
  /** Folder with the empty files over which devices are bound. */
  deviceFolder: string;
  hidden: readonly string[];
  /** Folders and files of the pod and of the host by their path inside, parents first. */
  volumes: readonly { source: string; target: string; readOnly?: boolean | undefined }[];
  /** Nothing but volumes can be written. */
  readOnlyRoot?: boolean;
  userNamespace: boolean;
}

/** Names below the pod's folder that the plan uses; they must exist before the mounts are made. */
export const LAYER_FOLDERS = {
  upper: 'up',
  work: 'work',
  root: 'root',
  tmp: 'tmp',
  run: 'run',
  host: 'host',
  hostUpper: 'hup',
  hostWork: 'hwork',
} as const;

/** All mounts of a pod as the text of an fstab, in order; made by one `mount -a` inside the new mount namespace. */
export function mountTable(input: MountPlanInput): string {
  const root = path.join(input.podFolder, LAYER_FOLDERS.root);
  const inside = (mount: Mount): string => line({ ...mount, target: path.join(root, mount.target) });
  return [
    ...(input.mode === 'overlay-root' ? overlayRoot(input, root) : topFolders(input, root)),
    ...commonMounts(input).map(inside),
  ]
    .join('\n')
    .concat('\n');
}

function line({ source, target, type, options }: Mount): string {
  return `${fstabField(source)} ${fstabField(target)} ${type} ${fstabField(options)} 0 0`;
}

/** Colons and commas separate layers and options of an overlay. */
const layer = (folder: string): string => folder.replace(/[\\:,]/g, (character) => `\\${character}`);

/** Upper and work are relative to the pod's folder, where `mount` runs; that keeps special characters out of the options. */
function overlayRoot({ podFolder, imageRoot, layout, readOnlyRoot }: MountPlanInput, root: string): string[] {
  const flags = readOnlyRoot === true ? 'ro,' : '';
  const { upper, work, host, hostUpper, hostWork } = LAYER_FOLDERS;
  const submounts = layout.submounts.map((target) =>
    line({ source: target, target: path.join(root, target), type: 'none', options: 'bind,ro' }),
  );
  if (imageRoot === undefined) {
    return [
      line({ source: 'overlay', target: root, type: 'overlay', options: `${flags}lowerdir=/,upperdir=${upper},workdir=${work}` }),
      ...submounts,
    ];
  }
  // The kernel refuses a layer inside another layer (the image's folder lies below /), so the host becomes an overlay first.
  const hostRoot = path.join(podFolder, host);
  return [
    line({
      source: 'overlay',
      target: hostRoot,
      type: 'overlay',
      options: `lowerdir=/,upperdir=${hostUpper},workdir=${hostWork}`,
    }),
    line({
      source: 'overlay',
      target: root,
      type: 'overlay',
      options: `${flags}lowerdir=${layer(imageRoot)}:${host},upperdir=${upper},workdir=${work}`,
    }),
    ...submounts,
  ];
}

function topFolders({ mode, podFolder, imageRoot, imageFolders, layout, readOnlyRoot }: MountPlanInput, root: string): string[] {
  const { upper, work } = LAYER_FOLDERS;
  const options = readOnlyRoot === true ? 'bind,ro' : 'bind';
  const own = line({ source: path.join(podFolder, LAYER_FOLDERS.root), target: root, type: 'none', options });
  const ofImage = new Set(imageFolders ?? []);
  const lines = layout.topFolders.map(({ name, nested }) => {
    const target = path.join(root, name);
    const fromImage = imageRoot !== undefined && ofImage.has(name) ? layer(path.join(imageRoot, name)) : undefined;
    if (mode === 'overlay-directories' && !nested) {
      const lower = fromImage === undefined ? `/${name}` : `${fromImage}:/${name}`;
      return line({
        source: 'overlay',
        target,
        type: 'overlay',
        options: `${readOnlyRoot === true ? 'ro,' : ''}lowerdir=${lower},upperdir=${upper}/${name},workdir=${work}/${name}`,
      });
    }
    return line({ source: `/${name}`, target, type: 'none', options: 'rbind,ro' });
  });
  const hostNames = new Set(layout.topFolders.map(({ name }) => name));
  const alone = [...ofImage].filter((name) => !hostNames.has(name) && imageRoot !== undefined);
  return [
    own,
    ...lines,
    ...alone.map((name) =>
      line({ source: path.join(imageRoot ?? '', name), target: path.join(root, name), type: 'none', options: 'bind,ro' }),
    ),
  ];
}

function commonMounts({ podFolder, layout, deviceFolder, hidden, volumes, readOnlyRoot }: MountPlanInput): Mount[] {
  const own = readOnlyRoot === true ? 'bind,ro' : 'bind';
  return [
    { source: path.join(podFolder, LAYER_FOLDERS.tmp), target: '/tmp', type: 'none', options: own },
    { source: path.join(podFolder, LAYER_FOLDERS.run), target: '/run', type: 'none', options: own },
    { source: 'proc', target: '/proc', type: 'proc', options: 'ro,nosuid,nodev,noexec' },
    { source: deviceFolder, target: '/dev', type: 'none', options: 'bind,ro' },
    ...layout.devices.map((name) => ({ source: `/dev/${name}`, target: `/dev/${name}`, type: 'none', options: 'bind' })),
    { source: 'tmpfs', target: '/dev/shm', type: 'tmpfs', options: 'nosuid,nodev,mode=1777,size=64m' },
    ...hidden.map((target) => ({ source: 'tmpfs', target, type: 'tmpfs', options: 'ro,nosuid,nodev,noexec,size=4k,mode=000' })),
    ...volumes.map(({ source, target, readOnly }) => ({
      source,
      target,
      type: 'none',
      options: readOnly === true ? 'bind,ro' : 'bind',
    })),
  ];
}
