import type { Command } from 'commander';
import { configOf, loadConfig, optionalSecret } from '#libs/config';
import { assessInstall } from '../migrate/assess-install.js';
import { clusterSource, fileSource, type MigrationSource } from '../migrate/migration-source.js';
import { isInTheWay, migrationText } from '../migrate/report-text.js';
import { openCluster } from './cluster.js';
import { collect, contextOf, ExitCodeError, wholeNumberOf, wordOf } from './context.js';
import { readManifests } from './manifests.js';

interface MigrateFlags {
  file: string[];
  kubeconfig?: string;
  namespace?: string;
  controllerNamespace: string;
  configmap: string;
  archive: boolean;
  archiveUrl?: string;
  refused?: string;
  output?: string;
}

const databaseSchema = configOf({
  archiveDatabaseUrl: optionalSecret({ about: "Database of Argo's tables, where it is not the configured address." }),
});
const FORMATS = ['text', 'json'] as const;

const onCluster = async (flags: MigrateFlags): Promise<MigrationSource> =>
  clusterSource(await openCluster(flags.kubeconfig), {
    namespace: flags.namespace,
    controllerNamespace: flags.controllerNamespace,
    configMapName: flags.configmap,
  });

/** `migrate`: what would become of an installation of Argo. It changes nothing. */
export const addMigrate = (program: Command): void => {
  program
    .command('migrate')
    .description('read an installation of Argo and say what of it runs here, what does not and why; nothing is changed')
    .option('-f, --file <file>', 'read files (kubectl get -o yaml) instead of a cluster; may be repeated', collect, [])
    .option('--kubeconfig <file>', 'the cluster; default KUBECONFIG, else ~/.kube/config, else that of the pod')
    .option('--controller-namespace <name>', "namespace of Argo's controller", 'argo')
    .option('--configmap <name>', "name of the controller's ConfigMap", 'workflow-controller-configmap')
    .option(
      '--archive-url <url>',
      "Argo's database where it answers under another address (kubectl port-forward), postgres://host:port/name or mysql://…; without an account in it that of the Secrets counts; default ARCHIVE_DATABASE_URL, else persistence of the ConfigMap",
    )
    .option('--no-archive', "do not ask Argo's database")
    .option('--refused <number>', 'how many refused objects are named', '100')
    .option('-o, --output <format>', `print as ${FORMATS.join(', ')}`, 'text')
    .addHelpText(
      'after',
      '\nWithout --namespace all namespaces are read. From files the database is asked where --archive-url names it. The exit code is 1 where something would be refused or held, or could not be read.\n\nExamples:\n  argosy migrate\n  argosy migrate --archive-url postgres://localhost:15432/argo\n  argosy migrate -n team-a -o json\n  kubectl get workflowtemplates,cronworkflows -A -o yaml | argosy migrate -f -',
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
      const url = flags.archiveUrl ?? loadConfig(databaseSchema).archiveDatabaseUrl?.reveal();
      const isAsked = flags.archive && (url !== undefined || flags.file.length === 0);
      const archive = { isAsked, url, instanceId: context.instanceId };
      const report = await assessInstall(source, { archive, ...(refusedLimit === undefined ? {} : { refusedLimit }) });
      context.out(format === 'json' ? JSON.stringify(report, null, 2) : migrationText(report));
      if (isInTheWay(report)) throw new ExitCodeError(1);
    });
};
