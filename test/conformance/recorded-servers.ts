import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hasS3Server, startS3, type TestS3 } from '#libs/testing';
import type { RecordedObject, Recording } from './recordings.js';

/** Servers that stood beside the real Argo when it was recorded, by the addresses in the recordings. */
const S3_ADDRESS = 'minio:9000';
const HTTP_ADDRESS = 'httpbin:9100';
const BUCKETS = ['my-bucket', 'my-bucket-2', 'my-bucket-3'];
const HTTP_USER = { name: 'admin', password: 'password' };

/** The recorder's servers as this machine has them. */
export interface RecordedServers {
  /** Secrets that open them. */
  objects: readonly RecordedObject[];
  /** The recorder's artifact repository, by the address that it has here; undefined without a server program. */
  repository: object | undefined;
  /** The recording with the addresses of this machine. */
  atLocalAddresses(recording: Recording): Recording;
  stop(): Promise<void>;
}

/** Why a recording cannot be played here; undefined where it can. */
export const missingServerOf = (recording: Recording): string | undefined =>
  JSON.stringify(recording).includes(S3_ADDRESS) && !hasS3Server() ? 'there is no S3 server program on this machine' : undefined;

/** Starts an S3 server where this machine has one, and a peer for the artifacts of HTTP and Artifactory, at an address of this machine. */
export const startRecordedServers = async (host = '127.0.0.1'): Promise<RecordedServers> => {
  const s3 = await startS3({ buckets: BUCKETS, host });
  const http = await startHttpPeer(host);
  const addresses = new Map([[HTTP_ADDRESS, `${host}:${(http.address() as AddressInfo).port}`]]);
  if (s3 !== undefined) addresses.set(S3_ADDRESS, s3.endpoint);
  return {
    objects: [...(s3 === undefined ? [] : [s3Secret(s3)]), HTTP_SECRET],
    repository:
      s3 === undefined
        ? undefined
        : {
            s3: {
              endpoint: s3.endpoint,
              insecure: true,
              bucket: BUCKETS[0],
              accessKeySecret: { name: 'my-minio-cred', key: 'accesskey' },
              secretKeySecret: { name: 'my-minio-cred', key: 'secretkey' },
            },
          },
    atLocalAddresses: (recording) => {
      let text = JSON.stringify(recording);
      for (const [recorded, local] of addresses) text = text.replaceAll(recorded, local);
      return JSON.parse(text) as Recording;
    },
    stop: async () => {
      http.closeAllConnections();
      await new Promise((settle) => http.close(settle));
      await s3?.stop();
    },
  };
};

const secret = (name: string, values: Record<string, string>): RecordedObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  data: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
});

const s3Secret = ({ accessKey, secretKey }: TestS3): RecordedObject =>
  secret('my-minio-cred', { accesskey: accessKey, secretkey: secretKey });

/** The recorder's server spoke plain HTTP, so that certificate and key were never looked at. */
const HTTP_SECRET = secret('my-httpbin-cred', {
  user: HTTP_USER.name,
  pass: HTTP_USER.password,
  'cert.pem': 'certificate',
  'key.pem': 'key',
});

/** Answers what the recordings ask: something to get, something behind a password, and a place that takes what is put. */
const startHttpPeer = async (host: string): Promise<Server> => {
  const expected = `Basic ${Buffer.from(`${HTTP_USER.name}:${HTTP_USER.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const refused = path.startsWith('/basic-auth/') && request.headers.authorization !== expected;
    request.resume().on('end', () => {
      response.writeHead(refused ? 401 : 200, { 'content-type': 'application/json' }).end(JSON.stringify({ url: path }));
    });
  });
  await new Promise<void>((settle) => server.listen(0, host, settle));
  return server;
};
