import { createHash, randomBytes } from 'node:crypto';
import type { Logger } from '#libs/observability';
import { HOST_LABEL } from '#libs/pod-spec';
import type { PodIdentity } from '#libs/runtimes';
import { LabelName, TransientError, type KubernetesObject } from '#libs/workflow-spec';
import { sideManifest } from '../side-pods/side-manifest.js';
import { SidePods } from '../side-pods/side-pods.js';
import { TaskError } from '../task.js';
import type { PluginDefinition } from './plugin-definitions.js';
import { isListenedOn, type PluginNetwork } from './plugin-network.js';
import { Turns } from './turns.js';

/** Where a running plugin is asked, and with what it is shown that we may ask. */
export interface PluginAgent {
  url: string;
  token: string;
  /** The socket by which that URL is reached now; absent: it is reached as it is. */
  socketPath?: () => Promise<string>;
  /** Of the calls that it is asked at a time. */
  turns: Turns;
  /** It has said that it executes no templates. */
  isDeaf: boolean;
  /** Throws TaskError once its pod has ended. */
  assertAlive(): void;
}

export interface PluginAgentsParts {
  pods: SidePods;
  /** Who runs them and is told what happens to them, where others have plugins of their own; absent: nobody else is there. */
  host?: string;
  /** Whether each pod has an address of its own: then every workflow has its own plugins, as in Argo; else they would meet at one port and are shared. */
  hasOwnAddresses: boolean;
  /** Where they have none. */
  network: PluginNetwork;
  logger: Logger;
}

interface Running extends PluginAgent {
  identity: PodIdentity;
  port: number;
  hasOwnNetwork: boolean;
  users: number;
  started: Promise<void>;
  idle: NodeJS.Timeout | undefined;
}

/** How long a plugin that nobody asks goes on, for the next step to find it there. */
const IDLE_MS = 20_000;
const GRACE_SECONDS = 5;
/** As many as Argo's agent has workers (`ARGO_AGENT_TASK_WORKERS`): a plugin of one thread answers one call after the other. */
const CALLS_AT_A_TIME = 16;
/** Where Argo puts the token that callers have to show. */
const TOKEN_PATH = '/var/run/argo/token';

/**
 * Pods of executor plugins, each with the one container of its plugin. States of one: starting → running (asked by `users`) → idle → gone. A plugin that has ended by itself
 * is in error for those who ask it, and is started again for the next.
 */
export class PluginAgents {
  private readonly agents = new Map<string, Running>();

  constructor(private readonly parts: PluginAgentsParts) {
    const { hasOwnAddresses, network, pods, logger } = parts;
    if (network === 'own' && !hasOwnAddresses && !pods.canForward)
      logger.warn('this host cannot give executor plugins networks of their own; they share the network of the host');
  }

  /** Calls `work` with the plugin running. Throws TransientError where there is no slot for it, TaskError where it cannot run. */
  async with<Result>(
    plugin: PluginDefinition,
    workflowUid: string,
    signal: AbortSignal,
    work: (agent: PluginAgent) => Promise<Result>,
  ): Promise<Result> {
    const agent = this.take(plugin, workflowUid);
    try {
      await Promise.race([agent.started, untilAborted(signal)]);
      return await work(agent);
    } finally {
      this.release(agent);
    }
  }

  async close(): Promise<void> {
    const agents = [...this.agents.values()];
    this.agents.clear();
    for (const { idle } of agents) clearTimeout(idle);
    await Promise.allSettled(agents.map(({ identity }) => this.parts.pods.remove(identity)));
  }

  private take(plugin: PluginDefinition, workflowUid: string): Running {
    const isMeantForOne = this.parts.hasOwnAddresses || this.mayHaveOwnNetwork('own');
    const owner = isMeantForOne ? workflowUid : '';
    const { host = '' } = this.parts;
    const name = `${plugin.name.slice(0, 40)}-${digestOf([plugin, owner, host])}`;
    const known = this.agents.get(name);
    const agent = known ?? this.start(plugin, name);
    clearTimeout(agent.idle);
    agent.users += 1;
    return agent;
  }

  private start(plugin: PluginDefinition, name: string): Running {
    const { pods } = this.parts;
    const identity = SidePods.identity('side-plugins', name);
    const token = randomBytes(24).toString('base64url');
    const agent: Running = {
      url: `http://127.0.0.1:${plugin.port}`,
      token,
      turns: new Turns(CALLS_AT_A_TIME),
      isDeaf: false,
      identity,
      port: plugin.port,
      // Settled before anything else happens, so that of two plugins that start together one at most takes the port.
      hasOwnNetwork: this.mayHaveOwnNetwork('own') || (this.mayHaveOwnNetwork('auto') && this.isPromised(plugin.port)),
      users: 0,
      idle: undefined,
      started: Promise.resolve(),
      assertAlive: () => {
        const end = pods.ended(identity);
        if (end !== undefined) throw failure(end.message);
      },
    };
    agent.started = this.launch(plugin, agent);
    agent.started.catch(() => this.forget(agent));
    this.agents.set(name, agent);
    return agent;
  }

  private async launch(plugin: PluginDefinition, agent: Running): Promise<void> {
    const { pods, logger } = this.parts;
    const { identity, token } = agent;
    if (this.mayHaveOwnNetwork('auto')) {
      // What a predecessor left would hold the port.
      await pods.remove(identity);
      agent.hasOwnNetwork ||= await isListenedOn(plugin.port);
    }
    const manifest = sideManifest({
      identity,
      metadata: {
        name: identity.nodeId,
        namespace: plugin.namespace,
        labels: { [LabelName.component]: 'agent', ...this.mark },
      },
      spec: { containers: [withUser({ ...plugin.container, name: 'main' })] },
      mainContainers: ['main'],
      files: [{ name: 'token', path: TOKEN_PATH, raw: { data: token }, archive: { none: {} } }],
      graceSeconds: GRACE_SECONDS,
      ...(agent.hasOwnNetwork ? { network: 'own' } : {}),
    });
    // What a predecessor left has another token.
    if ((await pods.run(identity, manifest)) === 'adopted') {
      await pods.remove(identity);
      await pods.run(identity, manifest);
    }
    const seen = await pods.settled(identity, AbortSignal.timeout(IDLE_MS * 3));
    if (seen === undefined) throw new TransientError(`the plugin ${plugin.name} does not start`);
    if (seen.phase !== 'Running') throw failure(seen.message);
    if (agent.hasOwnNetwork) agent.socketPath = () => pods.socketOf(identity, plugin.port);
    else if (seen.podIP !== undefined) agent.url = `http://${seen.podIP}:${plugin.port}`;
    logger.info('an executor plugin runs', {
      plugin: plugin.name,
      namespace: plugin.namespace,
      ownNetwork: agent.hasOwnNetwork,
    });
  }

  private get mark(): Record<string, string> {
    const { host } = this.parts;
    return host === undefined ? {} : { [HOST_LABEL]: host };
  }

  private mayHaveOwnNetwork(choice: PluginNetwork): boolean {
    const { hasOwnAddresses, network, pods } = this.parts;
    return network === choice && !hasOwnAddresses && pods.canForward;
  }

  /** Whether another plugin has this port of the host, or is about to take it. */
  private isPromised(port: number): boolean {
    return [...this.agents.values()].some((other) => other.port === port && !other.hasOwnNetwork);
  }

  private release(agent: Running): void {
    agent.users -= 1;
    if (agent.users > 0) return;
    const isOver = this.parts.pods.ended(agent.identity) !== undefined;
    if (isOver) this.forget(agent);
    else agent.idle = setTimeout(() => this.forget(agent), IDLE_MS).unref();
  }

  private forget(agent: Running): void {
    if (this.agents.get(agent.identity.nodeId) !== agent) return;
    this.agents.delete(agent.identity.nodeId);
    this.parts.pods.remove(agent.identity).catch((error: unknown) => {
      this.parts.logger.warn('the pod of a plugin could not be removed', { plugin: agent.identity.nodeId, err: error });
    });
  }
}

/** Argo's agent runs as this user; a plugin that must not be root and says no user relies on it. */
const AGENT_USER = 8737;

const withUser = (container: KubernetesObject): KubernetesObject => {
  const { securityContext } = container as { securityContext?: KubernetesObject };
  if (securityContext?.['runAsNonRoot'] !== true || securityContext['runAsUser'] !== undefined) return container;
  return { ...container, securityContext: { ...securityContext, runAsUser: AGENT_USER } };
};

const failure = (message = ''): TaskError => new TaskError(`agent pod failed with reason:${JSON.stringify(message)}`);

const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(new TaskError('context canceled'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
