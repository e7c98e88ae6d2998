import type { TestS3 } from '#libs/testing';

/** Address of this machine at which pods reach it. */
export const HOST_OF_PODS = '10.254.0.1';

/** For REGISTRY_MIRRORS: the registry that the test run's own cluster pulls from. */
export const LOCAL_REGISTRY = 'docker.io=http://127.0.0.1:5001';

const SECRET = 'artifact-store';

/** The artifact repository in this S3 server, with a credential of `secretOf`. */
export const repositoryOf = (s3: TestS3) => ({
  endpoint: s3.endpoint,
  insecure: true,
  bucket: s3.bucket,
  accessKeySecret: { name: SECRET, key: 'access' },
  secretKeySecret: { name: SECRET, key: 'secret' },
});

/** The Secret with the credential of the S3 server. */
export const secretOf = (s3: TestS3, namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: SECRET, namespace },
  data: { access: base64(s3.accessKey), secret: base64(s3.secretKey) },
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
