import { podRuntimeContract, quietLogger } from '#libs/testing';

import { SimulatedHost } from './simulated-host.js';
import { SimulatedRuntime } from './simulated-runtime.js';
import { realTime } from './simulated-time.js';

podRuntimeContract('simulated', async () => {
  const host = new SimulatedHost(realTime({ nowMs: () => Date.now() }));
  return {
    open: async (options) => new SimulatedRuntime({ host, logger: quietLogger, ...options }),
    close: async () => host.clear(),
  };
});
