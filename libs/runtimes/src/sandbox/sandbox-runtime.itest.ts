import { mkdtempSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { describe, it } from 'vitest';

import { emptyEnvSource, makeSimImage, podRuntimeContract, quietLogger, resultStaging } from '#libs/testing';

import { ImageCatalogue } from '../image-catalogue.js';
import { removeFolder } from './remove-folder.js';
import { probeSandbox } from './sandbox-ability.js';
import { SandboxRuntime } from './sandbox-runtime.js';

const probeFolder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-probe-'));
const probed = await probeSandbox({ dataFolder: probeFolder, hiddenPaths: [] });
await removeFolder(probeFolder);

if ('reason' in probed) {
  describe('pod runtime contract: sandbox', () => it.skip(`skipped: ${probed.reason}`, () => undefined));
} else {
  podRuntimeContract(`sandbox (${probed.mode})`, async () => {
    const dataFolder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-'));
    const ability = await probeSandbox({ dataFolder, hiddenPaths: [] });
    if ('reason' in ability) throw new Error(ability.reason);
    const images = new ImageCatalogue(new Map([['sim', { root: makeSimImage(path.join(dataFolder, 'images', 'sim')) }]]));
    return {
      open: async ({ maxPods = 20 } = {}) =>
        new SandboxRuntime({
          ability,
          staging: resultStaging,
          images,
          env: emptyEnvSource,
          clock: { nowMs: () => Date.now() },
          logger: quietLogger,
          hostName: 'test-host',
          maxPods,
        }),
      close: () => removeFolder(dataFolder),
    };
  });
}
