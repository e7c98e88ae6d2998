import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildOptions } from 'rolldown';
import { executorImage } from '#libs/testing';
import { writeCowsay } from './cowsay.js';
import { deriveImage, imagesIn } from './derived-image.js';
import type { Recording } from './recordings.js';

/** Images of the recorder that are stand-ins of another one here. */
const SAME_AS: Readonly<Record<string, string>> = {
  'library/debian:8.9': 'library/debian:9.4',
  'library/debian:9.1': 'library/debian:9.4',
  'library/debian:9.2': 'library/debian:9.4',
  'library/ubuntu:17.10': 'library/ubuntu:latest',
};
/** The recorder's had a bash; that of the cluster stays as it is, others use it. */
const WITH_BASH = 'argoproj/argosay:v2-bash';
/** A sh that knows `>& file`. */
const CURL_WITH_BASH = 'curlimages/curl:bash';
/** The executor's own image, which has no shell. */
const ARGOEXEC = 'argoproj/argoexec:latest';
/** Argo's command line: our verbs. */
const ARGOCLI = 'argoproj/argocli:latest';
const COWSAY = ['argoproj/argosay:v1', 'docker/whalesay:latest'];
const COW = ':cow';
const ROOT = path.resolve(import.meta.dirname, '../..');

/** The name under which the registry of the cluster has an image. */
export const fullName = (image: string): string => {
  const name = image.replace(/^(docker|quay)\.io\//, '');
  return `${name.includes('/') ? '' : 'library/'}${name}${name.includes(':') ? '' : ':latest'}`;
};

const servedFolder = (): string => path.join(process.env['CLUSTER_DIR'] ?? path.join(tmpdir(), 'argosy-cluster'), 'images');

/** Full names of the images that the cluster of the tests can pull; of a cluster that is not ours nothing is known: none. */
export const imagesOfCluster = (): ReadonlySet<string> =>
  new Set(existsSync(path.join(servedFolder(), 'index.json')) ? imagesIn(servedFolder()) : []);

/**
 * Makes those images of the recorder that can be made of what the cluster has. With the stock ones of Debian
 * (`WITH_DEBIAN=1 stock-images.sh` beside the cluster's other scripts) all recordings have their images.
 */
export const makeImagesOfRecordings = async (): Promise<void> => {
  if (imagesOfCluster().size === 0) return;
  const executor = await executorImage();
  if (typeof executor !== 'string') throw new Error(executor.skipped);
  const folder = mkdtempSync(path.join(tmpdir(), 'argosy-recorded-images-'));
  const make = async (name: string, base: string, fill?: (layer: string) => unknown, entrypoint?: string[]): Promise<void> => {
    if (!imagesOfCluster().has(base)) return;
    const layer = path.join(folder, name.replaceAll(/\W/g, '-'));
    mkdirSync(layer);
    await fill?.(layer);
    await deriveImage(servedFolder(), name, {
      base,
      ...(fill === undefined ? {} : { folder: layer }),
      ...(entrypoint === undefined ? {} : { entrypoint }),
    });
  };
  try {
    for (const [name, base] of Object.entries(SAME_AS)) await make(name, base);
    for (const base of COWSAY) await make(base.replace(/:.*/, COW), base, writeCowsay);
    await make('library/alpine:3.6', 'library/alpine:3.8', nameSystem);
    await make(WITH_BASH, 'argoproj/argosay:v2', addBash);
    await make(CURL_WITH_BASH, 'curlimages/curl:latest', shIsBash);
    await make(ARGOEXEC, 'library/pause:1');
    await make(ARGOCLI, fullName(executor), addArgoCli, ['/usr/bin/node', '/app/argo-cli/main.js']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** What a system says of itself. */
const nameSystem = (layer: string): void => {
  mkdirSync(path.join(layer, 'etc'));
  writeFileSync(path.join(layer, 'etc/os-release'), 'NAME="Alpine Linux"\n');
};

/** This machine's bash with its libraries. */
const addBash = (layer: string): void => {
  const libraries = execFileSync('ldd', ['/bin/bash'], { encoding: 'utf8' }).match(/\/[^\s)]+/g) ?? [];
  for (const file of ['/bin/bash', ...libraries]) cpSync(realpathSync(file), path.join(layer, file));
};

const shIsBash = (layer: string): void => {
  mkdirSync(path.join(layer, 'usr/local/bin'), { recursive: true });
  symlinkSync('/bin/bash', path.join(layer, 'usr/local/bin/sh'));
};

const addArgoCli = async (layer: string): Promise<void> => {
  const { build } = await import('rolldown');
  const { executorBundle } = (await import(pathToFileURL(path.join(ROOT, 'scripts/executor-bundle.mjs')).href)) as {
    executorBundle: (root: string, folder: string) => BuildOptions;
  };
  const folder = path.join(layer, 'app/argo-cli');
  await build({
    ...executorBundle(ROOT, folder),
    input: { main: path.join(import.meta.dirname, 'argo-cli.ts') },
    logLevel: 'silent',
  });
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
};

interface Container {
  imagePullPolicy?: string;
  env?: object[];
}
const isContainer = (value: unknown): value is Container & { image: string } =>
  typeof value === 'object' && value !== null && 'image' in value && typeof value.image === 'string';

/**
 * The recording with images as the cluster has them: those that stood on the recorder's nodes are pulled, and those that have more than
 * the stand-ins of the cluster have other names; one that is named only as it runs is asked for anew. What Argo's command line found out in its pod it is told: the address of the API.
 */
export const withImagesOfCluster = (recording: Recording, server?: string): Recording => {
  const { workflow, others } = recording;
  const text = JSON.stringify({ workflow, others });
  const change = (value: unknown): unknown => {
    if (!isContainer(value)) return value;
    const { image, imagePullPolicy, ...container } = value;
    return {
      ...container,
      image: imageFor(image, text),
      ...(image.includes('{{') ? { imagePullPolicy: 'Always' } : {}),
      ...(imagePullPolicy === undefined || imagePullPolicy === 'Never' ? {} : { imagePullPolicy }),
      ...(server !== undefined && fullName(image) === ARGOCLI
        ? { env: [...(container.env ?? []), { name: 'ARGO_SERVER', value: server }] }
        : {}),
    };
  };
  return {
    ...recording,
    ...(JSON.parse(text, (_name, value: unknown) => change(value)) as Pick<Recording, 'workflow' | 'others'>),
  };
};

const imageFor = (image: string, recorded: string): string => {
  const name = fullName(image);
  if (name === 'argoproj/argosay:v2' && recorded.includes('"bash"')) return WITH_BASH;
  if (name === 'curlimages/curl:latest' && recorded.includes('>& /')) return CURL_WITH_BASH;
  if (COWSAY.includes(name)) return name.replace(/:.*/, COW);
  return image;
};
