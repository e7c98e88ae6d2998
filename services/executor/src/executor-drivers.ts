import { type ArtifactDrivers, createArtifactDrivers, createBrokeredDrivers } from '#libs/artifacts';
import type { ConfigOf } from '#libs/config';

import type { configSchema } from './executor.config.js';
import { secretsInFolder } from './secrets-folder.js';

/**
 * The stores that a pod's staging and capture reach: by the broker where the pod was given one (docs/broker.md), else with the Secrets that are
 * mounted. With a broker no Secret is read.
 */
export function openExecutorDrivers(config: ConfigOf<typeof configSchema>): ArtifactDrivers {
  const { artifactBrokerUrl: url, artifactBrokerToken: token, artifactFolder, artifactPartMib, secretsFolder } = config;
  const partBytes = artifactPartMib * 1024 ** 2;
  const isBrokered = url !== undefined && token !== undefined;
  const own = createArtifactDrivers({
    clock: { nowMs: () => Date.now() },
    ...(artifactFolder === undefined ? {} : { filesystem: { rootFolder: artifactFolder } }),
    stores: config,
    s3: { partBytes },
    readSecret: isBrokered ? async () => undefined : secretsInFolder(secretsFolder),
  });
  return isBrokered ? createBrokeredDrivers({ url, token: token.reveal(), own, partBytes }) : own;
}
