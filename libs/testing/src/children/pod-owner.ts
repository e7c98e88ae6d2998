import { ImageCatalogue, probeSandbox, SandboxRuntime } from '#libs/runtimes';

import { simPod } from '../pod-manifests.js';
import { emptyEnvSource, resultStaging } from '../pod-means.js';
import { quietLogger } from '../quiet-logger.js';

/**
 * Makes one sandbox pod and then does nothing, until it is killed: DATA-FOLDER IMAGE-ROOT NODE-ID SIM-ARGUMENT… Among the arguments `forward=PORT`: a pod with a network of its
 * own, of which this port is forwarded.
 */
const [dataFolder = '', imageRoot = '', nodeId = '', ...args] = process.argv.slice(2);
const ability = await probeSandbox({ dataFolder, hiddenPaths: [] });
if ('reason' in ability) throw new Error(ability.reason);
const runtime = new SandboxRuntime({
  ability,
  staging: resultStaging,
  images: new ImageCatalogue(new Map([['sim', { root: imageRoot }]])),
  env: emptyEnvSource,
  clock: { nowMs: () => Date.now() },
  logger: quietLogger,
  hostName: 'test-host',
  maxPods: 10,
});
const identity = { workflowUid: 'uid-1', nodeId, incarnation: 0 };
const forwarded = args.find((argument) => argument.startsWith('forward='))?.slice('forward='.length);
await runtime.start(async (observations) => {
  for (const { phase } of observations) {
    process.stdout.write(`${phase}\n`);
    if (phase === 'Running' && forwarded !== undefined) {
      await runtime.forward?.(identity, Number(forwarded));
      process.stdout.write('forwarded\n');
    }
  }
});
const work = forwarded === undefined ? {} : { network: 'own' as const };
const outcome = await runtime.create(identity, simPod(args, { nodeId, captureResult: true, work }));
process.stdout.write(`${outcome.type}\n`);
setInterval(() => undefined, 60_000);
