import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { configOf, loadConfig, optionalText } from '#libs/config';
import { assessInstall } from '../migrate/assess-install.js';
import { clusterSource, fileSource, type MigrationSource } from '../migrate/migration-source.js';
import { migrationText } from '../migrate/report-text.js';
import { collect, contextOf, ExitCodeError, wholeNumberOf, wordOf } from './context.js';
import { readManifests } from './manifests.js';

interface MigrateFlags {
  file: string[];
  kubeconfig?: string;
  namespace?: string;
  controllerNamespace: string;
  configmap: string;
  refused?: string;
  output?: string;
}

const placeSchema = configOf({
  kubeconfig: optionalText({ about: 'File that says where the cluster is, for `argosy migrate`.' }),
  kubernetesServiceHost: optionalText({ about: 'Address of the cluster that this program is a pod of; Kubernetes sets it.' }),
  kubernetesServicePort: optionalText({ about: 'Its port; Kubernetes sets it.' }),
});
const FORMATS = ['text', 'json'] as const;

const kubeconfigOf = (flag: string | undefined, fromEnvironment: string | undefined): string | undefined => {
  if (flag ?? fromEnvironment) return flag ?? fromEnvironment;
  const usual = path.join(homedir(), '.kube', 'config');
  return existsSync(usual) ? usual : undefined;
};

const onCluster = async (flags: MigrateFlags): Promise<MigrationSource> => {
  const place = loadConfig(placeSchema);
  // Loaded only when needed: other verbs start faster without it.
  const { KubernetesApi, openConnection } = await import('#libs/kubernetes');
  const connection = await openConnection({
    kubeconfig: kubeconfigOf(flags.kubeconfig, place.kubeconfig),
    serviceHost: place.kubernetesServiceHost,
    servicePort: place.kubernetesServicePort,
  });
  return clusterSource(new KubernetesApi({ connection }), {
    namespace: flags.namespace,
    controllerNamespace: flags.controllerNamespace,
    configMapName: flags.configmap,
  });
};

/** `migrate`: what would become of an installation of Argo. It changes nothing. */
export const addMigrate = (program: Command): void => {
  program
    .command('migrate')
    .description('read an installation of Argo and say what of it runs here, what does not and why; nothing is changed')
    .option('-f, --file <file>', 'read files (kubectl get -o yaml) instead of a cluster; may be repeated', collect, [])
    .option('--kubeconfig <file>', 'the cluster; default KUBECONFIG, else ~/.kube/config, else that of the pod')
    .option('--controller-namespace <name>', "namespace of Argo's controller", 'argo')
    .option('--configmap <name>', "name of the controller's ConfigMap", 'workflow-controller-configmap')
    .option('--refused <number>', 'how many refused objects are named', '100')
    .option('-o, --output <format>', `print as ${FORMATS.join(', ')}`, 'text')
    .addHelpText(
      'after',
      '\nWithout --namespace all namespaces are read. The exit code is 1 where something would be refused.\n\nExamples:\n  argosy migrate\n  argosy migrate -n team-a -o json\n  kubectl get workflowtemplates,cronworkflows -A -o yaml | argosy migrate -f -',
    )
    .action(async (_flags: unknown, command: Command) => {
      const flags: MigrateFlags = command.optsWithGlobals();
      const context = contextOf(command);
      const format = wordOf('--output', FORMATS, flags.output);
      const refusedLimit = wholeNumberOf('--refused', flags.refused);
      const source =
        flags.file.length > 0
          ? fileSource(await readManifests(flags.file), { configMapName: flags.configmap })
          : await onCluster(flags);
      const report = await assessInstall(source, refusedLimit === undefined ? {} : { refusedLimit });
      context.out(format === 'json' ? JSON.stringify(report, null, 2) : migrationText(report));
      const refused = Object.values(report.kinds).some((counts) => counts.refused > 0);
      if (refused || report.configuration.problems.length > 0) throw new ExitCodeError(1);
    });
};
