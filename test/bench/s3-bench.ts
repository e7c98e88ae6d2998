import { spawn } from 'node:child_process';
import { copyFile, open, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingPart, outcomeOf, startS3, type TestS3 } from '#libs/testing';
import type { BenchRun } from './bench-run.js';
import type { Figure } from './figures.js';

const MIB = 1024 ** 2;
const SIZE_MIB = 1024;
const CHILD = fileURLToPath(new URL('s3-transfer.mjs', import.meta.url));
const MAX_RSS_MIB = 150;

interface Measured {
  elapsedMs: number;
  rssMiB: number;
}

/** One file of 1 GiB to an S3 server on this machine and back, beside a plain upload by the SDK and a copy of the file. */
export const measureS3 = async (run: BenchRun): Promise<Figure[]> => {
  const server = await startS3();
  if (server === undefined) {
    console.log(missingPart('versitygw'));
    return [];
  }
  run.atEnd(async () => server.stop());
  const file = await randomFile(path.join(run.folder, 'bytes'));
  const copyMs = await copied(file, path.join(run.folder, 'copy'));
  const plain = await transfer('plain', server, file);
  const save = await transfer('save', server, file);
  const load = await transfer('load', server, path.join(run.folder, 'loaded'));
  const bench = 's3';
  const speed = (ms: number): number => (SIZE_MIB * MIB) / 1000 / ms;
  return [
    { bench, figure: 'copy to disk, 1 GiB', value: speed(copyMs), unit: 'MB/s' },
    { bench, figure: 'plain upload by the SDK', value: speed(plain.elapsedMs), unit: 'MB/s' },
    { bench, figure: 'save, without archive', value: speed(save.elapsedMs), unit: 'MB/s' },
    { bench, figure: 'load, without archive', value: speed(load.elapsedMs), unit: 'MB/s' },
    { bench, figure: 'time of save / plain upload', value: save.elapsedMs / plain.elapsedMs, unit: '×' },
    { bench, figure: 'time of save / copy', value: save.elapsedMs / copyMs, unit: '×' },
    { bench, figure: 'memory of the saving process', value: save.rssMiB, unit: 'MiB', goal: { atMost: MAX_RSS_MIB } },
    { bench, figure: 'memory of the loading process', value: load.rssMiB, unit: 'MiB', goal: { atMost: MAX_RSS_MIB } },
  ];
};

const randomFile = async (file: string): Promise<string> => {
  const handle = await open(file, 'w');
  for (let count = 0; count < SIZE_MIB; count += 1) await handle.write(randomBytes(MIB));
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

const transfer = async (way: string, { endpoint, bucket }: TestS3, file: string): Promise<Measured> => {
  const { exitCode, stdout, stderr } = await outcomeOf(spawn(process.execPath, [CHILD, way, endpoint, bucket, file]));
  if (exitCode !== 0) throw new Error(`${way}: ${stderr}`);
  return JSON.parse(stdout) as Measured;
};
