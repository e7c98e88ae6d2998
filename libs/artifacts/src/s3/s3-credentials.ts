import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';

import { PermanentError, TransientError } from '#libs/workflow-spec';

import { ArtifactAccessError } from '../errors.js';

import type { LentKeys, S3Settings } from './s3-settings.js';

const SESSION_NAME = 'argosy';

/**
 * Keys of the role of the settings, lent by the STS (Security Token Service): that of Amazon, or of the store's own endpoint. It
 * is asked with the block's keys, or else with those of this program's surroundings.
 */
export async function assumeRole(settings: S3Settings, roleArn: string): Promise<LentKeys> {
  const client = new STSClient({
    region: settings.region,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(settings.keys === undefined ? {} : { credentials: settings.keys }),
    ...(settings.caCertificates === undefined ? {} : { requestHandler: { httpsAgent: { ca: settings.caCertificates } } }),
  });
  try {
    const { Credentials: lent } = await client.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: SESSION_NAME }));
    if (lent?.AccessKeyId === undefined || lent.SecretAccessKey === undefined)
      throw new TransientError(`role "${roleArn}": the answer has no keys`);
    return {
      accessKeyId: lent.AccessKeyId,
      secretAccessKey: lent.SecretAccessKey,
      ...(lent.SessionToken === undefined ? {} : { sessionToken: lent.SessionToken }),
      ...(lent.Expiration === undefined ? {} : { expiration: lent.Expiration }),
    };
  } catch (error) {
    throw classified(error, roleArn);
  } finally {
    client.destroy();
  }
}

function classified(error: unknown, roleArn: string): unknown {
  if (!(error instanceof Error) || error instanceof TransientError || error instanceof PermanentError) return error;
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const message = `role "${roleArn}": ${error.name}: ${error.message}`;
  const refused = status !== undefined && status >= 400 && status < 500 && status !== 429;
  return refused ? new ArtifactAccessError(message, { cause: error }) : new TransientError(message, { cause: error });
}
