import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskOrder } from '#libs/pod-spec';
import type { ResourceStore } from '#libs/resources';
import { isFulfilledPhase, type Outputs } from '#libs/workflow-spec';
import { TaskError, type TaskEnd, type TaskRun, type TaskRunner } from '../task.js';
import type { PluginAgents } from './plugin-agents.js';
import { execute, type ExecuteArguments, type ExecuteReply } from './plugin-call.js';
import { installedPlugins, ownPlugins, type PluginDefinition } from './plugin-definitions.js';

type PluginOrder = Extract<TaskOrder, { kind: 'plugin' }>;
type PluginRun = TaskRun<PluginOrder>;
type PluginNode = NonNullable<ExecuteReply['node']>;

export interface PluginTaskParts {
  resources: ResourceStore;
  agents: PluginAgents;
  /** Whose plugins every workflow may use. */
  controllerNamespace: string;
}

/** How often a plugin that is not done and does not say when is asked again. */
const DEFAULT_REQUEUE_MS = 10_000;

/**
 * Does a plugin template: asks one plugin after another until one of them knows it, and that one again until the node has ended. A plugin is asked anew after a crash, as it is
 * asked again and again anyway.
 */
export const pluginTask =
  (parts: PluginTaskParts): TaskRunner<PluginOrder> =>
  async (run): Promise<TaskEnd> => {
    for (const plugin of await candidates(run, parts)) {
      const end = await parts.agents.with(plugin, run.identity.workflowUid, run.signal, async (agent) => {
        run.log(`asking ${plugin.name}`);
        return untilEnded(run, (args) => execute(agent, args, run.signal));
      });
      if (end !== undefined) return end;
    }
    return { phase: 'Failed', message: 'no plugin executed the template' };
  };

/** The plugin that is called as the template's key comes first: most often it is the one, and the others need not be started. */
const candidates = async (
  { order, manifest }: PluginRun,
  { resources, controllerNamespace }: PluginTaskParts,
): Promise<PluginDefinition[]> => {
  const namespace = manifest.work.workflowNamespace;
  const all =
    order.plugins === undefined || order.plugins.length === 0
      ? await installedPlugins(resources, [namespace, controllerNamespace])
      : ownPlugins(order.plugins, namespace);
  const [key] = Object.keys(order.template.plugin ?? {});
  return [...all.filter(({ name }) => name === key), ...all.filter(({ name }) => name !== key)];
};

const untilEnded = async (
  run: PluginRun,
  ask: (args: ExecuteArguments) => Promise<ExecuteReply>,
): Promise<TaskEnd | undefined> => {
  const { workflowName: name, workflowNamespace: namespace, workflowUid: uid } = run.manifest.work;
  for (;;) {
    const { node, requeueMs } = await ask({ workflow: { metadata: { name, namespace, uid } }, template: run.order.template });
    if (node === undefined || node === null) return undefined;
    if (isFulfilledPhase(node.phase ?? '')) return endOf(node);
    await run.report(seenOf(node));
    await sleep(requeueMs ?? DEFAULT_REQUEUE_MS, undefined, { signal: run.signal });
  }
};

const seenOf = ({ message, progress }: PluginNode): { message?: string; progress?: string } => ({
  ...(message ? { message } : {}),
  ...(progress ? { progress } : {}),
});

const outputsOf = ({ outputs }: PluginNode): { outputs?: Outputs } => {
  const given = Object.entries(outputs ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return given.length === 0 ? {} : { outputs: Object.fromEntries(given) };
};

const endOf = (node: PluginNode): TaskEnd => {
  const said = { ...seenOf(node), ...outputsOf(node) };
  switch (node.phase) {
    case 'Succeeded':
      return { phase: 'Succeeded', ...said };
    case 'Failed':
      return { phase: 'Failed', ...said };
    case 'Error':
      return { phase: 'Failed', infrastructure: true, ...said };
    default:
      throw new TaskError(`a plugin cannot end a node as ${node.phase ?? ''}`);
  }
};
