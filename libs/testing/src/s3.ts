import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const TEST_PARTS = join(resolve(dirname(fileURLToPath(import.meta.url)), '../../..'), 'node_modules', '.cache', 'test-parts');
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
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), join(TEST_PARTS, 'versitygw')];
  return folders.map((folder) => join(folder, 'versitygw')).find(isExecutable);
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
  const port = await freePort();
  const [accessKey, secretKey] = ['test-key', 'test-secret'];
  const child = spawn(
    program,
    ['--port', `${host}:${port}`, 'posix', ...(metadataInFiles ? ['--sidecar', metadata] : []), objects],
    {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    },
  );
  process.once('exit', () => child.kill('SIGKILL'));
  await answering(`${host}:${port}`, () => child.exitCode);
  return {
    endpoint: `${host}:${port}`,
    bucket: buckets[0] ?? '',
    accessKey,
    secretKey,
    stop: async () => {
      const ended = new Promise((settle) => child.once('exit', settle));
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answering(address: string, exitCode: () => number | null): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadline) {
    if (exitCode() !== null) throw new Error(`the S3 server ended with exit code ${exitCode()}`);
    if (
      await fetch(`http://${address}/`).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((settle) => setTimeout(settle, 20));
  }
  throw new Error('the S3 server did not answer in time');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const { port } = server.address() as AddressInfo;
  await new Promise((settle) => server.close(settle));
  return port;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
