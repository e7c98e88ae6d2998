import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingPart, outcomeOf, startS3, type TestS3 } from '#libs/testing';
import type { BenchRun } from './bench-run.js';
import type { Figure } from './figures.js';
import { ownMegabytes, peakRssMegabytes } from './process-figures.js';

const MIB = 1024 ** 2;
const EXECUTOR = fileURLToPath(new URL('../../dist/services/executor/src/main.js', import.meta.url));
const PLAIN_UPLOAD = fileURLToPath(new URL('s3-plain-upload.mjs', import.meta.url));
/** Of a sidecar; what Node's own file takes beside it is shared by all pods of a node. */
const MAX_OWN_MB = 60;
const POLL_MS = 5;

interface Measured {
  elapsedMs: number;
  ownMb: number;
  rssMb: number;
}

/** What Node is given in pods. */
const podFlags = (): string[] => {
  const script = readFileSync('services/executor/pod/executor', 'utf8');
  const flags = /^exec node ((?:--\S+ )+)/m.exec(script)?.[1];
  if (flags === undefined) throw new Error('services/executor/pod/executor gives Node no flags');
  return flags.trim().split(' ');
};

/**
 * One file through the executor, as it is built and as pods run it, in a process of its own: to an S3 server on this machine and back, beside a plain upload
 * by the SDK and a copy of the file that is forced to disk. `sizeMib` is the size of the file.
 */
export const measureS3 = async (run: BenchRun, sizeMib: number): Promise<Figure[]> => {
  const server = await startS3({ metadataInFiles: true });
  if (server === undefined) {
    console.log(missingPart('versitygw'));
    return [];
  }
  run.atEnd(async () => server.stop());
  const at = (...names: string[]): string => path.join(run.folder, ...names);
  for (const folder of ['out/data', 'in', 'secrets/keys']) await mkdir(at(folder), { recursive: true });
  await writeFile(at('secrets/keys/access'), server.accessKey);
  await writeFile(at('secrets/keys/secret'), server.secretKey);
  await writeFile(at('stdout'), '');
  const file = await randomFile(at('out/data/bytes'), sizeMib);
  const copyMs = await copied(file, at('copy'));
  const plain = await measured(spawn(process.execPath, [PLAIN_UPLOAD, server.endpoint, server.bucket, file]));
  const execute = (args: readonly string[]): Promise<Measured> =>
    measured(
      spawn(process.execPath, [...podFlags(), EXECUTOR, ...args], { env: { SECRETS_FOLDER: at('secrets'), LOG_LEVEL: 'warn' } }),
    );
  const bench = 'artifacts';
  const size = `${sizeMib} MiB`;
  const speed = (ms: number): number => (sizeMib * MIB) / 1000 / ms;
  const figures: Figure[] = [
    { bench, figure: `copy to disk, ${size}`, value: speed(copyMs), unit: 'MB/s' },
    { bench, figure: `plain upload by the SDK, ${size}`, value: speed(plain.elapsedMs), unit: 'MB/s' },
  ];
  for (const [name, archive] of Object.entries({ 'no archive': { none: {} }, tar: { tar: { compressionLevel: 0 } } })) {
    await writeFile(at('save.json'), podOf(server, { outputArtifacts: [{ ...ARTIFACT, path: '/data/bytes', archive }] }));
    await writeFile(at('load.json'), podOf(server, { inputArtifacts: [{ ...ARTIFACT, path: '/bytes', archive }] }));
    const capture = ['--exit-code', '0', '--stdout', at('stdout'), '--report', at('report')];
    const save = await execute(['capture', '--pod', at('save.json'), '--root', at('out'), ...capture]);
    const load = await execute(['stage', '--pod', at('load.json'), '--root', at('in')]);
    await rm(at('in/bytes'));
    const goal = { atMost: MAX_OWN_MB };
    figures.push(
      { bench, figure: `save to S3, ${name}`, value: speed(save.elapsedMs), unit: 'MB/s' },
      { bench, figure: `load from S3, ${name}`, value: speed(load.elapsedMs), unit: 'MB/s' },
      { bench, figure: `time of save / plain upload, ${name}`, value: save.elapsedMs / plain.elapsedMs, unit: '×' },
      { bench, figure: `time of save / copy, ${name}`, value: save.elapsedMs / copyMs, unit: '×' },
      { bench, figure: `time of load / copy, ${name}`, value: load.elapsedMs / copyMs, unit: '×' },
      { bench, figure: `own memory of the saving executor, ${name}`, value: save.ownMb, unit: 'MB', goal },
      { bench, figure: `own memory of the loading executor, ${name}`, value: load.ownMb, unit: 'MB', goal },
      { bench, figure: `saving executor, with pages of Node, ${name}`, value: save.rssMb, unit: 'MB' },
      { bench, figure: `loading executor, with pages of Node, ${name}`, value: load.rssMb, unit: 'MB' },
    );
  }
  return [...figures, { bench, figure: 'memory of the plain upload', value: plain.rssMb, unit: 'MB' }];
};

const ARTIFACT = { name: 'bytes', s3: { key: 'bytes' } };

/** A pod's description, as the executor reads it. */
const podOf = ({ endpoint, bucket }: TestS3, work: object): string => {
  const secret = (key: string): object => ({ name: 'keys', key });
  const s3 = { endpoint, bucket, insecure: true, accessKeySecret: secret('access'), secretKeySecret: secret('secret') };
  return JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bench' }, spec: { containers: [{ name: 'main' }] } },
    work: {
      ...{ workflowName: 'bench', workflowNamespace: 'default', workflowUid: 'bench', nodeId: 'bench' },
      ...{ inputArtifacts: [], outputParameters: [], outputArtifacts: [], captureResult: false, archiveLogs: false },
      ...{ archiveKey: 'bench', repository: { s3 }, terminationGracePeriodSeconds: 30 },
      ...work,
    },
  });
};

const randomFile = async (file: string, sizeMib: number): Promise<string> => {
  const handle = await open(file, 'w');
  for (let count = 0; count < sizeMib; count += 1) await handle.write(randomBytes(MIB));
  await handle.sync();
  await handle.close();
  return file;
};

const copied = async (file: string, target: string): Promise<number> => {
  const startedMs = performance.now();
  await copyFile(file, target);
  const handle = await open(target);
  await handle.sync();
  await handle.close();
  const elapsedMs = performance.now() - startedMs;
  await rm(target);
  return elapsedMs;
};

/** The largest resident set is one that the system remembers, so looking now and then misses only what comes at the very end. */
const measured = async (child: ChildProcess): Promise<Measured> => {
  const startedMs = performance.now();
  let [ownMb, rssMb] = [0, 0];
  const timer = setInterval(() => {
    ownMb = Math.max(ownMb, ownMegabytes(child.pid ?? 0));
    rssMb = Math.max(rssMb, peakRssMegabytes(child.pid ?? 0));
  }, POLL_MS);
  try {
    const { exitCode, stderr } = await outcomeOf(child);
    if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
    return { elapsedMs: performance.now() - startedMs, ownMb, rssMb };
  } finally {
    clearInterval(timer);
  }
};
