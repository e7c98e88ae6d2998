import type { Command } from 'commander';
import { UserError } from '#libs/workflow-spec';
import { ApiClientError } from '../client/errors.js';
import { contextOf, ExitCodeError, wordOf, type CommandContext } from './context.js';
import { type ManifestDocument, readManifests } from './manifests.js';
import { lintOffline } from '../lint/offline-lint.js';

/** What was found in one object; no message: nothing. */
export interface LintFinding {
  file: string;
  object: string;
  message?: string;
}

const PATHS: Readonly<Record<string, { path: (namespace: string) => string; field: string }>> = {
  Workflow: { path: (namespace) => `/api/v1/workflows/${encodeURIComponent(namespace)}/lint`, field: 'workflow' },
  WorkflowTemplate: {
    path: (namespace) => `/api/v1/workflow-templates/${encodeURIComponent(namespace)}/lint`,
    field: 'template',
  },
  ClusterWorkflowTemplate: { path: () => '/api/v1/cluster-workflow-templates/lint', field: 'template' },
  CronWorkflow: { path: (namespace) => `/api/v1/cron-workflows/${encodeURIComponent(namespace)}/lint`, field: 'cronWorkflow' },
};

const lintAtServer = async (context: CommandContext, { file, object }: ManifestDocument): Promise<LintFinding> => {
  const label = `${object.kind ?? 'object'} ${object.metadata?.name ?? ''}`.trim();
  const place = PATHS[object.kind ?? ''];
  if (!place) return { file, object: label };
  const namespace = object.metadata?.namespace ?? context.namespace;
  try {
    await context.client.send('POST', place.path(namespace), { namespace, [place.field]: object });
    return { file, object: label };
  } catch (error) {
    if (error instanceof ApiClientError) return { file, object: label, message: error.message };
    throw error;
  }
};

const FORMATS = ['pretty', 'simple'] as const;

/** `lint`: at the server, or `--offline` against the given files alone. */
export const addLint = (program: Command): void => {
  program
    .command('lint <files...>')
    .description('check workflows, templates and CronWorkflows; exit code 1 where something is wrong')
    .option('--offline', 'without a server; templates that are referred to are looked for in the given files')
    .option('-o, --output <format>', `print as ${FORMATS.join(', ')}`)
    .addHelpText('after', '\nExamples:\n  argosy lint flow.yaml\n  argosy lint --offline flow.yaml templates.yaml -o simple')
    .action(async (files: string[], flags: { offline?: boolean; output?: string }, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', FORMATS, flags.output) ?? 'pretty';
      const { documents, broken } = await readEach(files);
      const findings = [
        ...broken,
        ...(flags.offline
          ? lintOffline(documents)
          : await Promise.all(documents.map((document) => lintAtServer(context, document)))),
      ];
      const wrong = findings.filter(({ message }) => message !== undefined);
      if (format === 'simple') for (const { file, object, message } of wrong) context.out(`${file}: ${object}: ${message}`);
      else context.out(prettyText(wrong));
      if (wrong.length > 0) throw new ExitCodeError(1);
    });
};

/** A file that cannot be read is a finding like any other, so that the others are checked too. */
const readEach = async (files: readonly string[]): Promise<{ documents: ManifestDocument[]; broken: LintFinding[] }> => {
  const documents: ManifestDocument[] = [];
  const broken: LintFinding[] = [];
  for (const file of files) {
    try {
      documents.push(...(await readManifests([file])));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      broken.push({ file, object: 'file', message: error.message });
    }
  }
  return { documents, broken };
};

const prettyText = (wrong: readonly LintFinding[]): string => {
  if (wrong.length === 0) return '✔ no linting errors found!';
  const lines: string[] = [];
  for (const file of new Set(wrong.map((finding) => finding.file))) {
    lines.push(`${file}:`);
    for (const { object, message } of wrong.filter((finding) => finding.file === file))
      lines.push(`   ✖ in "${object}": ${message}`);
    lines.push('');
  }
  lines.push(`✖ ${wrong.length} linting error${wrong.length === 1 ? '' : 's'} found!`);
  return lines.join('\n');
};
