import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, which would take one between its choice and its use. */
const LOWEST = 10_000;
const HIGHEST = 32_000;
const MOST_TRIES = 100;

/** What this process was given before: whoever asked may not listen yet. */
const given = new Set<number>();

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });

/** Ports of an address (default 127.0.0.1) that nobody listens on now, no two the same; none is given twice in this process. */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries === count + MOST_TRIES) throw new Error(`no free port found on ${host} in ${tries} tries`);
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port, host)) ports.push(port);
  }
  return ports;
}

/** One such port. */
export async function freePort(host?: string): Promise<number> {
  const [port = 0] = await freePorts(1, host);
  return port;
}
