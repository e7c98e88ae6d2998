import { createReadStream } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

/** What the SDK does by itself with a file, for a comparison; in parts as large as those of the executor. */
const PART_BYTES = 8 * 1024 ** 2;
const [, , endpoint = '', bucket = '', file = ''] = process.argv;
const client = new S3Client({
  endpoint: `http://${endpoint}`,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'test-key', secretAccessKey: 'test-secret' },
});
await new Upload({ client, partSize: PART_BYTES, params: { Bucket: bucket, Key: 'plain', Body: createReadStream(file) } }).done();
client.destroy();
