import type { CliConfig } from '../cli.config.js';
import type { ServerAddress } from './api-client.js';

/** The global flags that say where the server is; each stands above its variable. */
export interface AddressFlags {
  argoServer?: string | undefined;
  secure?: boolean | undefined;
  insecureSkipVerify?: boolean | undefined;
  token?: string | undefined;
  argoBaseHref?: string | undefined;
  header?: string[] | undefined;
}

const DEFAULT_SERVER = 'localhost:2746';
const LOCAL = /^(localhost|127\.[0-9.]+|\[::1\])(:|$)/;

/** Where the server is, from flags and variables: a scheme in the address stands above --secure. */
export const serverAddressOf = (flags: AddressFlags, config: CliConfig): ServerAddress => ({
  baseUrl: baseUrlOf(flags, config),
  authorization: authorizationOf(flags.token ?? config.argoToken),
  skipsVerification: flags.insecureSkipVerify ?? asFlag(config.argoInsecureSkipVerify) ?? false,
  headers: Object.fromEntries((flags.header ?? []).map(headerOf)),
});

const baseUrlOf = (flags: AddressFlags, config: CliConfig): string => {
  const server = flags.argoServer ?? config.argoServer ?? DEFAULT_SERVER;
  const scheme = /^(https?):\/\//.exec(server)?.[1];
  const host = server.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const secure = scheme === undefined ? (flags.secure ?? asFlag(config.argoSecure) ?? !LOCAL.test(host)) : scheme === 'https';
  const base = (flags.argoBaseHref ?? config.argoBaseHref ?? '').replace(/^\/*|\/+$/g, '');
  return `${secure ? 'https' : 'http'}://${host}${base === '' ? '' : `/${base}`}`;
};

const authorizationOf = (token: string | undefined): string | undefined =>
  token === undefined || /^(Bearer|Basic) /i.test(token) ? token : `Bearer ${token}`;

const asFlag = (text: string | undefined): boolean | undefined =>
  text === undefined ? undefined : text === 'true' || text === '1';

const headerOf = (text: string): [string, string] => {
  const colon = text.indexOf(':');
  return colon < 0 ? [text.trim(), ''] : [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
};
