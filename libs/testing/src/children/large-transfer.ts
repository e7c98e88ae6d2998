import path from 'node:path';

import { ArtifactTransfer, createArtifactDrivers } from '#libs/artifacts';

/** Packs a folder into a store under a work folder and unpacks it again; prints how much the process grew by that, in bytes. */
const [, , workFolder = '', strategy = 'tar'] = process.argv;
const drivers = createArtifactDrivers({
  clock: { nowMs: () => Date.now() },
  filesystem: { rootFolder: path.join(workFolder, 'store') },
});
const transfer = new ArtifactTransfer(drivers);
const place = { location: { filesystem: { key: 'large' } }, namespace: 'argo', archive: { [strategy]: {} } };
const KIB = 1024;

const before = process.resourceUsage().maxRSS;
await transfer.save({ ...place, hostPath: path.join(workFolder, 'out'), entryName: 'out', metadata: {} });
const outcome = await transfer.load({ ...place, hostPath: path.join(workFolder, 'in') });
const grownBytes = (process.resourceUsage().maxRSS - before) * KIB;
process.stdout.write(JSON.stringify({ outcome, grownBytes }));
