import { createReadStream } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ArtifactTransfer, createArtifactDrivers } from '#libs/artifacts';

/** One transfer by the built program, in a process of its own; prints its time and the most memory that the process had. */
const [, , way = '', endpoint = '', bucket = '', file = ''] = process.argv;
const KEYS = { access: 'test-key', secret: 'test-secret' };

const plainUpload = async () => {
  const client = new S3Client({
    endpoint: `http://${endpoint}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: KEYS.access, secretAccessKey: KEYS.secret },
  });
  await new Upload({ client, params: { Bucket: bucket, Key: 'plain', Body: createReadStream(file) } }).done();
  client.destroy();
};

const transferred = async (direction) => {
  const drivers = createArtifactDrivers({ clock: { nowMs: () => Date.now() }, readSecret: async ({ key }) => KEYS[key] });
  const transfer = new ArtifactTransfer(drivers);
  const secret = (key) => ({ name: 'keys', key });
  const place = {
    location: {
      s3: { endpoint, bucket, key: 'ours', insecure: true, accessKeySecret: secret('access'), secretKeySecret: secret('secret') },
    },
    namespace: 'default',
    hostPath: file,
    archive: { none: {} },
  };
  if (direction === 'save') await transfer.save({ ...place, entryName: 'bytes', metadata: {} });
  else await transfer.load(place);
  drivers.close();
};

const startedMs = performance.now();
await (way === 'plain' ? plainUpload() : transferred(way));
const elapsedMs = performance.now() - startedMs;
process.stdout.write(JSON.stringify({ elapsedMs, rssMiB: process.resourceUsage().maxRSS / 1024 }));
