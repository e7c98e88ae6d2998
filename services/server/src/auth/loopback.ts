import { isIP } from 'node:net';
import { ServerStartError } from '../errors/errors.js';

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** `localhost`, 127.0.0.0/8 and ::1, as a listen address or as the host of a URL. */
export function isLoopback(host: string): boolean {
  const bare = withoutBrackets(host).toLowerCase();
  if (bare === 'localhost') return true;
  if (isIP(bare) === 4) return bare.startsWith('127.');
  return bare === '::1' || bare === '::ffff:127.0.0.1';
}

/** Without a token the API may only be reached from this machine; ServerStartError otherwise. */
export function assertSafeListenAddress(address: string, token: string | undefined): void {
  if (token !== undefined || isLoopback(address)) return;
  throw new ServerStartError(`refusing to listen on ${address} without authentication: set AUTH_TOKEN, or listen on 127.0.0.1`);
}
