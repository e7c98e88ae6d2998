import { Readable } from 'node:stream';

import { createArtifactDrivers } from '#libs/artifacts';

/** Saves a body without end to an S3 server, and says so when some parts of it are there. To be killed. */
const [, , endpoint = '', bucket = '', key = ''] = process.argv;
const KEYS: Record<string, string> = { access: 'test-key', secret: 'test-secret' };
const MIB = 1024 ** 2;
const PARTS_MIB = 40;
const drivers = createArtifactDrivers({ clock: { nowMs: () => Date.now() }, readSecret: async (secret) => KEYS[secret.key] });
const selector = (name: string): { name: string; key: string } => ({ name: 'keys', key: name });
const location = {
  s3: { endpoint, bucket, key, insecure: true, accessKeySecret: selector('access'), secretKeySecret: selector('secret') },
};

async function* endless(): AsyncGenerator<Buffer> {
  for (let index = 0; ; index += 1) {
    if (index === PARTS_MIB) process.stdout.write('saving\n');
    if (index > PARTS_MIB) await new Promise((resolve) => setImmediate(resolve));
    yield index > PARTS_MIB ? Buffer.alloc(1) : Buffer.alloc(MIB, 1);
  }
}

await drivers.driverFor(location, { namespace: '' }).save(location, Readable.from(endless()));
