import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { ConfigMapType, type ExecutorPlugin, type KubernetesObject, LabelName, parseManifests } from '#libs/workflow-spec';
import { UsageError } from '../client/errors.js';
import { yamlText } from '../output/object-text.js';
import { contextOf } from './context.js';

const MANIFEST = 'plugin.yaml';
const NAME_SUFFIX = '-executor-plugin';

/** The program of a plugin: the one file of its folder that is called `server`, whatever it is written in. */
const serverOf = async (folder: string): Promise<string | undefined> => {
  const programs = (await readdir(folder)).filter((name) => /^server\.[^.]+$/.test(name));
  if (programs.length > 1) throw new UsageError(`${folder} has more than one program: ${programs.join(', ')}`);
  const [program] = programs;
  return program === undefined ? undefined : readFile(path.join(folder, program), 'utf8');
};

const pluginOf = async (folder: string): Promise<ExecutorPlugin & { metadata: { name: string } }> => {
  const text = await readFile(path.join(folder, MANIFEST), 'utf8').catch(() => {
    throw new UsageError(`${folder} has no ${MANIFEST}`);
  });
  const plugin = parseManifests(text)[0]?.value as (ExecutorPlugin & { kind?: string }) | undefined;
  const name = plugin?.metadata?.name ?? '';
  if (plugin?.kind !== 'ExecutorPlugin' || name === '' || plugin.spec?.sidecar?.container === undefined)
    throw new UsageError(`${MANIFEST} is no ExecutorPlugin with metadata.name and spec.sidecar.container`);
  return { ...plugin, metadata: { ...plugin.metadata, name } };
};

/** The ConfigMap by which a plugin is installed; the program becomes the last word of its container's command. */
const configMapOf = (plugin: ExecutorPlugin & { metadata: { name: string } }, server: string | undefined): KubernetesObject => {
  const { metadata, spec } = plugin;
  const { automountServiceAccountToken, container } = spec.sidecar;
  const whole = server === undefined ? container : { ...container, args: [server] };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `${metadata.name}${NAME_SUFFIX}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      labels: { ...metadata.labels, [LabelName.configMapType]: ConfigMapType.ExecutorPlugin },
    },
    data: {
      'sidecar.automountServiceAccountToken': String(automountServiceAccountToken === true),
      'sidecar.container': yamlText(whole),
    },
  };
};

/** `executor-plugin build`: a plugin's folder becomes the ConfigMap that installs it. */
export const addExecutorPlugin = (program: Command): void => {
  program
    .command('executor-plugin')
    .description('make executor plugins ready to be installed')
    .command('build <folder>')
    .description(`write the ConfigMap of the plugin in a folder: ${MANIFEST} and, beside it, its program server.*`)
    .addHelpText(
      'after',
      '\nExample:\n  argosy executor-plugin build hello && argosy apply hello/hello-executor-plugin-configmap.yaml',
    )
    .action(async (folder: string, _flags: object, command: Command) => {
      const plugin = await pluginOf(folder);
      const configMap = configMapOf(plugin, await serverOf(folder));
      const file = path.join(folder, `${plugin.metadata.name}${NAME_SUFFIX}-configmap.yaml`);
      await writeFile(file, yamlText(configMap));
      contextOf(command).out(`${file} created`);
    });
};
