import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './free-ports.js';
import { installedProgram, TEST_PARTS } from './installed-program.js';
import { ServerProcess } from './server-process.js';

const START_LIMIT_MS = 15_000;

/** An S3 server of a test's own. */
export interface TestS3 {
  /** Host and port. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

/** The server program: on PATH, or what `scripts/install-test-parts.mjs` has built. */
function s3Program(): string | undefined {
  return installedProgram(['versitygw'], [join(TEST_PARTS, 'versitygw')]);
}

/** Whether this machine has an S3 server program. */
export function hasS3Server(): boolean {
  return s3Program() !== undefined;
}

/**
 * Starts an S3 server at an address of this machine over a temporary folder, with empty buckets of these names (the first is what `bucket` says); undefined
 * where this machine has no server program. Objects of more than some 700 parts need `metadataInFiles`: otherwise the server keeps the sizes of an object's parts
 * in an extended attribute, and ext4 has 4 KiB for these (it answers the completion with 500 then).
 */
export async function startS3({
  buckets = ['test-bucket'],
  host = '127.0.0.1',
  metadataInFiles = false,
}: { buckets?: readonly string[]; host?: string; metadataInFiles?: boolean } = {}): Promise<TestS3 | undefined> {
  const program = s3Program();
  if (program === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'argosy-s3-'));
  const [objects, metadata] = [join(folder, 'objects'), join(folder, 'metadata')];
  for (const place of [metadata, ...buckets.map((bucket) => join(objects, bucket))]) mkdirSync(place, { recursive: true });
  const endpoint = `${host}:${await freePort()}`;
  const [accessKey, secretKey] = ['test-key', 'test-secret'];
  const server = new ServerProcess();
  await server.start({
    program,
    args: ['--port', endpoint, 'posix', ...(metadataInFiles ? ['--sidecar', metadata] : []), objects],
    env: { PATH: process.env['PATH'], ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    answers: () =>
      fetch(`http://${endpoint}/`).then(
        () => true,
        () => false,
      ),
    startLimitMs: START_LIMIT_MS,
  });
  return {
    endpoint,
    bucket: buckets[0] ?? '',
    accessKey,
    secretKey,
    stop: async () => {
      await server.end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
