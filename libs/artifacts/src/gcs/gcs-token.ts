import { createSign } from 'node:crypto';

import { ArtifactLocationError } from '../errors.js';
import { successful, textOf } from '../http/exchange.js';

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
const TOKEN_URL = 'https://oauth2.googleapis.com/token';
/** Where a machine of Google tells its own account; reachable only there. */
const MACHINE_TOKEN_URL = 'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token';
const LIFETIME_SECONDS = 3600;

interface ServiceAccountKey {
  client_email?: unknown;
  private_key?: unknown;
  private_key_id?: unknown;
  token_uri?: unknown;
}

/** A token of the service account whose key file (JSON) this is; without one, of the machine's own account. */
export async function gcsToken(keyFile: string | undefined, nowMs: number): Promise<string> {
  if (keyFile === undefined)
    return accessTokenIn(
      await textOf(await successful({ method: 'GET', url: MACHINE_TOKEN_URL, headers: { 'metadata-flavor': 'Google' } })),
    );
  const { email, privateKey, keyId, tokenUrl } = readKeyFile(keyFile);
  const issuedAt = Math.floor(nowMs / 1000);
  const claims = { iss: email, scope: SCOPE, aud: tokenUrl, iat: issuedAt, exp: issuedAt + LIFETIME_SECONDS };
  const unsigned = `${encoded({ alg: 'RS256', typ: 'JWT', kid: keyId })}.${encoded(claims)}`;
  const signature = createSign('RSA-SHA256').update(unsigned).sign(privateKey, 'base64url');
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: `${unsigned}.${signature}`,
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return accessTokenIn(
    await textOf(await successful({ method: 'POST', url: tokenUrl, headers, body: Buffer.from(form.toString()) })),
  );
}

function readKeyFile(keyFile: string) {
  const key = parsed(keyFile);
  if (typeof key.client_email !== 'string' || typeof key.private_key !== 'string')
    throw new ArtifactLocationError('gcs.serviceAccountKeySecret holds no key of a service account');
  return {
    email: key.client_email,
    privateKey: key.private_key,
    keyId: typeof key.private_key_id === 'string' ? key.private_key_id : '',
    tokenUrl: typeof key.token_uri === 'string' ? key.token_uri : TOKEN_URL,
  };
}

function parsed(keyFile: string): ServiceAccountKey {
  try {
    return JSON.parse(keyFile) as ServiceAccountKey;
  } catch {
    throw new ArtifactLocationError('gcs.serviceAccountKeySecret is no JSON');
  }
}

function accessTokenIn(text: string): string {
  const { access_token: token } = JSON.parse(text) as { access_token?: unknown };
  if (typeof token !== 'string') throw new ArtifactLocationError('gcs: the answer of the token URL has no access_token');
  return token;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
