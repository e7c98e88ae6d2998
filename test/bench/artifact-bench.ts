import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { ArtifactTransfer, createArtifactDrivers } from '#libs/artifacts';
import type { BenchRun } from './bench-run.js';
import type { Figure } from './figures.js';
import { measureS3 } from './s3-bench.js';

const MIB = 1024 ** 2;
const SIZE_MIB = 200;
const RUNS = 3;

const fastest = async (work: () => Promise<unknown>): Promise<number> => {
  const times: number[] = [];
  for (let count = 0; count < RUNS; count += 1) {
    const startedMs = performance.now();
    await work();
    times.push(performance.now() - startedMs);
  }
  return Math.min(...times);
};

/** A file through the filesystem driver, then one of `sizeMib` through the executor and S3, each beside a plain copy of it. */
export const measureArtifacts = async (run: BenchRun, { sizeMib }: { sizeMib: number }): Promise<Figure[]> => [
  ...(await measureFilesystem(run)),
  ...(await measureS3(run, sizeMib)),
];

const measureFilesystem = async (run: BenchRun): Promise<Figure[]> => {
  const bench = 'artifacts';
  const file = path.join(run.folder, 'bytes');
  const handle = await open(file, 'w');
  for (let count = 0; count < SIZE_MIB; count += 1) await handle.write(randomBytes(MIB));
  await handle.sync();
  await handle.close();
  await mkdir(path.join(run.folder, 'in'));
  const drivers = createArtifactDrivers({
    clock: { nowMs: () => Date.now() },
    filesystem: { rootFolder: path.join(run.folder, 'store') },
  });
  run.atEnd(async () => drivers.close());
  const transfer = new ArtifactTransfer(drivers);
  const place = { location: { filesystem: { key: 'bytes' } }, namespace: 'default', archive: { none: {} } };
  const loaded = path.join(run.folder, 'in', 'bytes');
  const copyMs = await fastest(async () => {
    const target = path.join(run.folder, 'copy');
    await copyFile(file, target);
    const copied = await open(target);
    await copied.sync();
    await copied.close();
  });
  const saveMs = await fastest(() => transfer.save({ ...place, hostPath: file, entryName: 'bytes', metadata: {} }));
  const loadMs = await fastest(async () => {
    await rm(loaded, { force: true });
    await transfer.load({ ...place, hostPath: loaded });
  });
  const speed = (ms: number): number => (SIZE_MIB * MIB) / 1000 / ms;
  return [
    { bench, figure: 'copy to disk, 200 MiB', value: speed(copyMs), unit: 'MB/s' },
    { bench, figure: 'save to a folder, no archive', value: speed(saveMs), unit: 'MB/s' },
    { bench, figure: 'load from a folder, no archive', value: speed(loadMs), unit: 'MB/s' },
    { bench, figure: 'time of save to a folder / copy', value: saveMs / copyMs, unit: '×' },
    { bench, figure: 'time of load from a folder / copy', value: loadMs / copyMs, unit: '×' },
  ];
};
