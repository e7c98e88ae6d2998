import { describe, expect, it } from 'vitest';
import type { CliConfig } from '../cli.config.js';
import { type AddressFlags, serverAddressOf } from './server-address.js';

const addressOf = (flags: AddressFlags, config: Partial<CliConfig> = {}) => serverAddressOf(flags, config as CliConfig);

describe('serverAddressOf', () => {
  it.each([
    [{}, {}, 'http://localhost:2746'],
    [{}, { argoServer: 'argo.example:443' }, 'https://argo.example:443'],
    [{ argoServer: '127.0.0.1:9' }, { argoServer: 'argo.example:443' }, 'http://127.0.0.1:9'],
    [{}, { argoServer: 'argo.example:80', argoSecure: 'false' }, 'http://argo.example:80'],
    [{ secure: true }, { argoSecure: 'false' }, 'https://localhost:2746'],
    [{ argoServer: 'http://argo.example/', secure: true }, {}, 'http://argo.example'],
    [{ argoBaseHref: '/argo/' }, { argoBaseHref: 'other' }, 'http://localhost:2746/argo'],
  ])('of the flags %j and the variables %j is %s', (flags, config, url) => {
    expect(addressOf(flags, config).baseUrl).toBe(url);
  });

  it('sends tokens as they are where they name their kind, and headers without surrounding spaces', () => {
    expect(addressOf({ token: 'abc' }).authorization).toBe('Bearer abc');
    expect(addressOf({}, { argoToken: 'Bearer abc' }).authorization).toBe('Bearer abc');
    expect(addressOf({ header: ['X-Team: red:blue '] }).headers).toEqual({ 'X-Team': 'red:blue' });
  });

  it('checks certificates unless told not to, by flag or by variable', () => {
    expect(addressOf({}).skipsVerification).toBe(false);
    expect(addressOf({ insecureSkipVerify: true }).skipsVerification).toBe(true);
    expect(addressOf({}, { argoInsecureSkipVerify: 'true' }).skipsVerification).toBe(true);
  });
});
