import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPodExecution } from '#libs/execution';
import type { Resource } from '#libs/resources';
import { ImageCatalogue, probeSandbox, SandboxRuntime } from '#libs/runtimes';
import { emptyEnvSource, freePort, quietLogger } from '#libs/testing';
import { parseManifests } from '#libs/workflow-spec';
import { SidePods } from '../side-pods/side-pods.js';
import { PluginAgents } from './plugin-agents.js';
import { execute } from './plugin-call.js';
import { installedPlugins, type PluginDefinition } from './plugin-definitions.js';
import type { PluginNetwork } from './plugin-network.js';

const EXAMPLE = path.join(import.meta.dirname, '../../../../../examples/executor-plugin/hello-plugin.yaml');

const probeFolder = await mkdtemp(path.join(homedir(), '.argosy-sandbox-probe-'));
const probed = await probeSandbox({ dataFolder: probeFolder, hiddenPaths: [] });
await rm(probeFolder, { recursive: true, force: true });
const problem =
  'reason' in probed
    ? probed.reason
    : probed.tools.loopback === undefined
      ? 'no network namespaces here'
      : process.getuid?.() === 0
        ? undefined
        : 'the example is a plugin that runs as another user';

const execution = createPodExecution({
  load: async ({ location, hostPath }) => {
    await writeFile(hostPath, location.raw?.data ?? '');
    return 'loaded';
  },
  save: async () => undefined,
  saveBytes: async () => undefined,
});

const listener = (port: number, host: string): Promise<net.Server> =>
  new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen({ port, host }, () => resolve(server));
  });

/** The plugin of the examples as its ConfigMap describes it, at this port. */
const helloPlugin = async (port: number): Promise<PluginDefinition> => {
  const text = (await readFile(EXAMPLE, 'utf8')).replaceAll('4355', String(port));
  const configMap = parseManifests(text)[0]?.value as unknown as Resource;
  const [plugin] = await installedPlugins({ list: async () => ({ items: [configMap], resourceVersion: '1' }) } as never, [
    'argo',
  ]);
  if (plugin === undefined) throw new Error('no plugin in the example');
  return plugin;
};

describe.skipIf(problem !== undefined)(`networks of executor plugins${problem ? ` (skipped: ${problem})` : ''}`, () => {
  let dataFolder: string;
  let runtime: SandboxRuntime;
  let pods: SidePods;
  let agents: PluginAgents;
  let plugin: PluginDefinition;
  let port: number;

  beforeEach(async () => {
    dataFolder = await mkdtemp(path.join(homedir(), '.argosy-plugins-'));
    const ability = await probeSandbox({ dataFolder, hiddenPaths: [] });
    if ('reason' in ability) throw new Error(ability.reason);
    runtime = new SandboxRuntime({
      ability,
      staging: execution,
      images: ImageCatalogue.empty(),
      env: emptyEnvSource,
      clock: { nowMs: () => Date.now() },
      logger: quietLogger,
      hostName: 'test-host',
      maxPods: 10,
    });
    pods = new SidePods({ runtime, onSeen: async () => false, logger: quietLogger });
    await runtime.start((seen) => pods.take(seen));
    port = await freePort('0.0.0.0');
    plugin = await helloPlugin(port);
  });
  afterEach(async () => {
    await agents.close();
    await runtime.close();
    await rm(dataFolder, { recursive: true, force: true });
  });

  const open = (network: PluginNetwork): void => {
    agents = new PluginAgents({ pods, hasOwnAddresses: false, network, logger: quietLogger });
  };
  /** What the plugin says to a workflow, and whether it was reached by a socket. */
  const greet = async (definition: PluginDefinition, workflow: string): Promise<[string | null | undefined, boolean]> => {
    const { signal } = new AbortController();
    return agents.with(definition, workflow, signal, async (agent) => {
      const metadata = { name: workflow, namespace: 'argo', uid: workflow };
      const template = { name: 'main', plugin: { hello: {} } };
      const { node } = await execute(agent, { workflow: { metadata }, template }, signal);
      return [node?.message, agent.socketPath !== undefined];
    });
  };

  it('are their own for each workflow where that is chosen, also while the port of the host is taken', async () => {
    open('own');
    const rival = await listener(port, '0.0.0.0');
    const both = await Promise.all([greet(plugin, 'first'), greet(plugin, 'second')]);
    rival.close();
    expect(both).toEqual([
      ['Hello first!', true],
      ['Hello second!', true],
    ]);
  });

  it('are that of the host unless another plugin has the port', async () => {
    open('auto');
    const other = { ...plugin, name: 'other' };
    const answers = await Promise.all([greet(plugin, 'a'), greet(other, 'b'), greet(plugin, 'c')]);
    expect(answers).toEqual([
      ['Hello a!', false],
      ['Hello b!', true],
      ['Hello c!', false],
    ]);
  });

  it('are that of the host unless a program of the host has the port', async () => {
    open('auto');
    const rival = await listener(port, '127.0.0.1');
    expect(await greet(plugin, 'a')).toEqual(['Hello a!', true]);
    rival.close();
  });
});
