import type { Command } from 'commander';
import { clusterFindings } from '../doctor/cluster-findings.js';
import { findingsText } from '../doctor/finding.js';
import { serverFindings } from '../doctor/server-findings.js';
import { openCluster } from './cluster.js';
import { contextOf, ExitCodeError, wordOf } from './context.js';

interface DoctorFlags {
  cluster?: boolean;
  kubeconfig?: string;
  programs: string;
  output?: string;
}

const FORMATS = ['text', 'json'] as const;

/** `doctor`: what of the installation needs a hand, and which. */
export const addDoctor = (program: Command): void => {
  program
    .command('doctor')
    .description('look at the installation: configuration, database, clocks, queue, pods, artifact repository; say what to do')
    .option('--cluster', 'look at the cluster too: definitions, and the rights of the programs in the namespace')
    .option('--programs <namespace>', 'with --cluster: the namespace in which the programs run', 'argosy')
    .option('--kubeconfig <file>', 'the cluster; default KUBECONFIG, else ~/.kube/config')
    .option('-o, --output <format>', `print as ${FORMATS.join(', ')}`, 'text')
    .addHelpText(
      'after',
      '\nThe exit code is 1 where something has failed.\n\nExamples:\n  argosy doctor\n  argosy doctor --cluster -n team-a',
    )
    .action(async (_flags: unknown, command: Command) => {
      const flags: DoctorFlags = command.optsWithGlobals();
      const context = contextOf(command);
      const format = wordOf('--output', FORMATS, flags.output);
      const findings = await serverFindings(context.client);
      if (flags.cluster || flags.kubeconfig)
        findings.push(
          ...(await clusterFindings(await openCluster(flags.kubeconfig), {
            namespace: context.namespace,
            programs: flags.programs,
          })),
        );
      context.out(format === 'json' ? JSON.stringify({ findings }, null, 2) : findingsText(findings, context.style));
      if (findings.some(({ state }) => state === 'failed')) throw new ExitCodeError(1);
    });
};
