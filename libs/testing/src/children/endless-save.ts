import { Readable } from 'node:stream';

import { createArtifactDrivers } from '#libs/artifacts';

/** Saves a body without end to `filesystem` under a root folder, and says so after the first MiB. To be killed. */
const [, , rootFolder = '', key = ''] = process.argv;
const drivers = createArtifactDrivers({ clock: { nowMs: () => Date.now() }, filesystem: { rootFolder } });
const location = { filesystem: { key } };

async function* endless(): AsyncGenerator<Buffer> {
  for (let index = 0; ; index += 1) {
    if (index === 16) process.stdout.write('saving\n');
    if (index > 16) await new Promise((resolve) => setImmediate(resolve));
    yield index > 64 ? Buffer.alloc(1) : Buffer.alloc(64 * 1024, 1);
  }
}

await drivers.driverFor(location, { namespace: '' }).save(location, Readable.from(endless()));
