import type { LogChunk } from '#libs/execution';
import type { PodIdentity, PodRuntime } from '#libs/runtimes';

interface Reading {
  container: string;
  fromByte: number;
  bookmark?: string | undefined;
  signal: AbortSignal;
}

/** What a container prints, until it has ended; of a runtime that has only lines, each with a line break behind it. */
export function logBytes(
  runtime: Pick<PodRuntime, 'logs' | 'logBytes'>,
  identity: PodIdentity,
  reading: Reading,
): AsyncIterable<LogChunk> {
  return runtime.logBytes === undefined ? bytesOfLines(runtime, identity, reading) : runtime.logBytes(identity, reading);
}

async function* bytesOfLines(
  runtime: Pick<PodRuntime, 'logs'>,
  identity: PodIdentity,
  { container, fromByte, signal }: Reading,
): AsyncGenerator<LogChunk> {
  let position = 0;
  for await (const { text, atMs } of runtime.logs(identity, { container, follow: true, signal })) {
    const bytes = Buffer.from(`${text}\n`);
    position += bytes.length;
    if (position > fromByte) yield { bytes: bytes.subarray(Math.max(0, bytes.length - (position - fromByte))), atMs };
  }
}
