import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, describe, it } from 'vitest';

import { emptyEnvSource, podRuntimeContract, quietLogger, resultStaging, startDocker } from '#libs/testing';

import { ImageCatalogue } from '../image-catalogue.js';
import { OURS_LABEL } from './container-options.js';
import { connectDocker } from './docker-connection.js';
import { DockerRuntime } from './docker-runtime.js';

const daemon = await startDocker();

if ('skipped' in daemon) {
  describe('pod runtime contract: docker', () => it.skip(daemon.skipped, () => undefined));
} else {
  const connection = await connectDocker({ host: daemon.socket });
  if ('reason' in connection) throw new Error(connection.reason);
  afterAll(() => daemon.stop());
  podRuntimeContract('docker', async () => {
    const dataFolder = mkdtempSync(path.join(tmpdir(), 'argosy-docker-files-'));
    return {
      open: async ({ maxPods = 20 } = {}) =>
        new DockerRuntime({
          connection,
          staging: resultStaging,
          images: ImageCatalogue.empty(),
          env: emptyEnvSource,
          clock: { nowMs: () => Date.now() },
          logger: quietLogger,
          hostName: 'test-host',
          maxPods,
          dataFolder,
          network: 'none',
        }),
      close: async () => {
        for (const { Id } of await connection.docker.listContainers({ all: true, filters: { label: [OURS_LABEL] } })) {
          await connection.docker.getContainer(Id).remove({ force: true, v: true });
        }
        rmSync(dataFolder, { recursive: true, force: true });
      },
    };
  });
}
