import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

const FILE = 'terminate';

/** That a pod was asked to end, and when it is killed. */
export interface EndRequest {
  killAtMs: number;
}

/** Keeps the request to end a pod in its folder on this host: the daemon has no place for it, and a restart must not forget it. */
export async function saveEndRequest(folder: string, request: EndRequest): Promise<void> {
  await mkdir(folder, { recursive: true });
  const unfinished = path.join(folder, `${FILE}.${process.pid}`);
  await writeFile(unfinished, JSON.stringify(request));
  await rename(unfinished, path.join(folder, FILE));
}

/** The request that was made; null where there is none. */
export async function readEndRequest(folder: string): Promise<EndRequest | null> {
  try {
    return JSON.parse(await readFile(path.join(folder, FILE), 'utf8')) as EndRequest;
  } catch {
    return null;
  }
}
