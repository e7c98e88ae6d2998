import { ArtifactAccessError } from '../errors.js';
import { type HttpRequest, successful, textOf } from '../http/exchange.js';
import type { Lent } from '../identity/lent-credentials.js';
import type { MachineIdentity } from '../identity/machine-identity.js';
import { tokenInFile } from '../identity/token-file.js';

const RESOURCE = 'https://storage.azure.com/';
const AUTHORITY = 'https://login.microsoftonline.com/';
/** Where a virtual machine of Azure tells its own identity; reachable only there. */
const MACHINE_TOKEN_URL = 'http://169.254.169.254/metadata/identity/oauth2/token';

/**
 * A token for blobs by the identity that this program runs under: a federated token exchanged with Entra (workload identity of AKS),
 * else the identity endpoint of App Service, else that of the virtual machine.
 */
export async function azureToken(identity: MachineIdentity, nowMs: number): Promise<Lent<string>> {
  const request = (await federated(identity)) ?? endpoint(identity) ?? machine(identity);
  const answer = JSON.parse(await textOf(await successful(request))) as { access_token?: unknown; expires_in?: unknown };
  if (typeof answer.access_token !== 'string')
    throw new ArtifactAccessError('azure: the answer of the identity has no access_token');
  return { credentials: answer.access_token, expiresAtMs: nowMs + Number(answer.expires_in ?? 0) * 1000 };
}

async function federated(identity: MachineIdentity): Promise<HttpRequest | undefined> {
  const {
    azureClientId: client,
    azureTenantId: tenant,
    azureFederatedTokenFile: file,
    azureAuthorityHost = AUTHORITY,
  } = identity;
  if (client === undefined || tenant === undefined || file === undefined) return undefined;
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await tokenInFile(file),
    scope: `${RESOURCE}.default`,
  });
  return {
    method: 'POST',
    url: `${azureAuthorityHost.replace(/\/$/, '')}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(form.toString()),
  };
}

function endpoint({ identityEndpoint, identityHeader, azureClientId }: MachineIdentity): HttpRequest | undefined {
  if (identityEndpoint === undefined || identityHeader === undefined) return undefined;
  const url = `${identityEndpoint}?${identityQuery('2019-08-01', azureClientId)}`;
  return { method: 'GET', url, headers: { 'x-identity-header': identityHeader.reveal() } };
}

function machine({ azureClientId }: MachineIdentity): HttpRequest {
  const url = `${MACHINE_TOKEN_URL}?${identityQuery('2018-02-01', azureClientId)}`;
  return { method: 'GET', url, headers: { metadata: 'true' } };
}

function identityQuery(version: string, clientId: string | undefined): string {
  return new URLSearchParams({
    'api-version': version,
    resource: RESOURCE,
    ...(clientId === undefined ? {} : { client_id: clientId }),
  }).toString();
}
