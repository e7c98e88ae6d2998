import { ArtifactAccessError, ArtifactLocationError } from '../errors.js';
import { successful, textOf } from '../http/exchange.js';
import type { Lent } from '../identity/lent-credentials.js';
import type { MachineIdentity } from '../identity/machine-identity.js';
import { tokenInFile } from '../identity/token-file.js';

import type { OssKeys } from './oss-signature.js';

const TOKEN_SERVICE_URL = 'https://sts.aliyuncs.com';
const SESSION_SECONDS = 3600;

/** Keys of the role that a service account of a cluster may take (`AssumeRoleWithOIDC`, which needs no signature). */
export async function lentOssKeys(identity: MachineIdentity): Promise<Lent<OssKeys>> {
  const {
    alibabaCloudRoleArn: role,
    alibabaCloudOidcProviderArn: provider,
    alibabaCloudOidcTokenFile: file,
    alibabaCloudStsUrl: url,
  } = identity;
  if (role === undefined || provider === undefined || file === undefined) {
    throw new ArtifactLocationError(
      'oss.useSDKCreds needs a role for the service account: ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_OIDC_TOKEN_FILE',
    );
  }
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithOIDC',
    Format: 'JSON',
    Version: '2015-04-01',
    DurationSeconds: String(SESSION_SECONDS),
    RoleArn: role,
    OIDCProviderArn: provider,
    OIDCToken: await tokenInFile(file),
    RoleSessionName: 'artifacts',
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await successful({
    method: 'POST',
    url: url ?? TOKEN_SERVICE_URL,
    headers,
    body: Buffer.from(form.toString()),
  });
  return keysIn(await textOf(answer));
}

function keysIn(text: string): Lent<OssKeys> {
  const { Credentials: lent = {} } = JSON.parse(text) as { Credentials?: Record<string, unknown> };
  const { AccessKeyId, AccessKeySecret, SecurityToken, Expiration } = lent;
  if (typeof AccessKeyId !== 'string' || typeof AccessKeySecret !== 'string' || typeof SecurityToken !== 'string')
    throw new ArtifactAccessError('oss: the answer of the token service holds no keys');
  return {
    credentials: { accessKeyId: AccessKeyId, accessKeySecret: AccessKeySecret, securityToken: SecurityToken },
    expiresAtMs: typeof Expiration === 'string' ? Date.parse(Expiration) : 0,
  };
}
