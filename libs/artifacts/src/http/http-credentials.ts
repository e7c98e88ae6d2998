import { ArtifactLocationError } from '../errors.js';
import { type Block, blockAt, type SecretScope, secretAt, textAt } from '../secrets/secret-fields.js';

import { exchange, type HttpAnswer, type HttpRequest, successful, textOf } from './exchange.js';

/** How a request shows who sends it. */
export type HttpCredentials = Pick<HttpRequest, 'headers' | 'clientCertificate'>;

/** Name and password as a header; undefined where neither is given. */
export function basicAuthorization(name: string | undefined, password: string | undefined): Record<string, string> {
  if (name === undefined && password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${name ?? ''}:${password ?? ''}`).toString('base64')}` };
}

/** Headers and credentials of an `http` block (Argo v4.1 `HTTPArtifact`): client certificate, OAuth2 or basic, in this order. */
export async function httpCredentials(block: Block, scope: SecretScope): Promise<HttpCredentials> {
  const auth = blockAt(block, 'auth');
  const own = listedHeaders(block);
  const clientCertificate = await clientCertificateOf(blockAt(auth, 'clientCert'), scope);
  if (clientCertificate !== undefined) return { headers: own, clientCertificate };
  const token = await oauth2Token(blockAt(auth, 'oauth2'), scope);
  if (token !== undefined) return { headers: { ...own, authorization: `Bearer ${token}` } };
  const basic = blockAt(auth, 'basicAuth');
  const [name, password] = await Promise.all([
    secretAt(basic['usernameSecret'], 'http.auth.basicAuth.usernameSecret', scope),
    secretAt(basic['passwordSecret'], 'http.auth.basicAuth.passwordSecret', scope),
  ]);
  return { headers: { ...own, ...basicAuthorization(name, password) } };
}

/** Headers of a block's list of names and values; lower case, the last of a name counts. */
export function listedHeaders(block: Block): Record<string, string> {
  const list = Array.isArray(block['headers']) ? (block['headers'] as { name?: unknown; value?: unknown }[]) : [];
  return Object.fromEntries(
    list.map(({ name, value = '' }) => {
      if (typeof name !== 'string' || !/^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/.test(name))
        throw new ArtifactLocationError(`http.headers: ${JSON.stringify(name)} is not a name of a header`);
      if (typeof value !== 'string' || /[\r\n\0]/.test(value))
        throw new ArtifactLocationError(`http.headers: the value of ${name} is not one line of text`);
      return [name.toLowerCase(), value];
    }),
  );
}

async function clientCertificateOf(block: Block, scope: SecretScope): Promise<{ cert: string; key: string } | undefined> {
  const [cert, key] = await Promise.all([
    secretAt(block['clientCertSecret'], 'http.auth.clientCert.clientCertSecret', scope),
    secretAt(block['clientKeySecret'], 'http.auth.clientCert.clientKeySecret', scope),
  ]);
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new ArtifactLocationError('http.auth.clientCert needs clientCertSecret and clientKeySecret');
  return { cert, key };
}

/** A token by client credentials (RFC 6749, 4.4). Servers differ in where they want the credentials: header first, then form. */
async function oauth2Token(block: Block, scope: SecretScope): Promise<string | undefined> {
  const read = (field: string): Promise<string | undefined> => secretAt(block[field], `http.auth.oauth2.${field}`, scope);
  const [id, secret, url] = await Promise.all([read('clientIDSecret'), read('clientSecretSecret'), read('tokenURLSecret')]);
  if (id === undefined && secret === undefined && url === undefined) return undefined;
  if (id === undefined || secret === undefined || url === undefined)
    throw new ArtifactLocationError('http.auth.oauth2 needs clientIDSecret, clientSecretSecret and tokenURLSecret');
  const form = tokenForm(block);
  const first = await exchange(tokenRequest(url, form, basicAuthorization(encodeURIComponent(id), encodeURIComponent(secret))));
  if (first.status >= 200 && first.status < 300) return tokenIn(first);
  first.body.destroy();
  const withKeys = new URLSearchParams([...form, ['client_id', id], ['client_secret', secret]]);
  return tokenIn(await successful(tokenRequest(url, withKeys, {})));
}

function tokenForm(block: Block): URLSearchParams {
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  const scopes = block['scopes'];
  if (Array.isArray(scopes) && scopes.length > 0)
    form.set('scope', scopes.filter((scope) => typeof scope === 'string').join(' '));
  const parameters = block['endpointParams'];
  for (const parameter of Array.isArray(parameters) ? (parameters as Block[]) : [])
    form.append(textAt(parameter, 'key') ?? '', textAt(parameter, 'value') ?? '');
  return form;
}

function tokenRequest(url: string, form: URLSearchParams, headers: Record<string, string>): HttpRequest {
  const body = Buffer.from(form.toString());
  return { method: 'POST', url: url.trim(), headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body };
}

async function tokenIn(answer: HttpAnswer): Promise<string> {
  const text = await textOf(answer);
  try {
    const { access_token: token } = JSON.parse(text) as { access_token?: unknown };
    if (typeof token === 'string' && token !== '') return token;
  } catch {
    // What is no JSON has no token either.
  }
  throw new ArtifactLocationError('http.auth.oauth2: the answer of the token URL has no access_token');
}
