import type { Command } from 'commander';
import { checkOffline, LINTED_KINDS, templatesOf } from '../lint/offline-lint.js';
import { readLintFiles } from '../lint/lint-files.js';
import { LINT_FORMATS, lintText } from '../lint/lint-formats.js';
import { lintFiles } from '../lint/lint.js';
import { refusalOfServer } from '../lint/server-lint.js';
import { UsageError } from '../client/errors.js';
import { contextOf, ExitCodeError, wordOf } from './context.js';

interface LintFlags {
  offline?: boolean;
  output?: string;
  kinds?: string;
  strict: boolean;
  warningsAsErrors?: boolean;
}

/** As Argo writes them: plural, in small letters. */
const kindsOf = (text: string | undefined): string[] | undefined => {
  if (text === undefined || text === 'all') return undefined;
  return text.split(',').map((word) => {
    const kind = Object.keys(LINTED_KINDS).find((known) => `${known.toLowerCase()}s` === word.trim().toLowerCase());
    if (kind === undefined) {
      const known = Object.keys(LINTED_KINDS).map((each) => `${each.toLowerCase()}s`);
      throw new UsageError(`--kinds takes all or a list of ${known.join(', ')}, not ${word}`);
    }
    return kind;
  });
};

/** `lint`: at the server, or `--offline` against the given files alone. */
export const addLint = (program: Command): void => {
  program
    .command('lint <files...>')
    .description('check workflows, templates and CronWorkflows in files or folders; exit code 1 where something is wrong')
    .option('--offline', 'without a server; templates that are referred to are looked for in the given files')
    .option('--kinds <kinds>', 'only these: workflows, workflowtemplates, cronworkflows, clusterworkflowtemplates; default all')
    .option('--no-strict', 'do not refuse fields that are unknown')
    .option('--warnings-as-errors', 'exit code 1 for warnings too')
    .option('-o, --output <format>', `print as ${LINT_FORMATS.join(', ')}`)
    .addHelpText(
      'after',
      '\nExamples:\n  argosy lint flow.yaml\n  argosy lint --offline flow.yaml templates.yaml -o simple\n  argosy lint --offline manifests/ -o sarif > lint.sarif',
    )
    .action(async (places: string[], flags: LintFlags, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', LINT_FORMATS, flags.output) ?? 'pretty';
      const kinds = kindsOf(flags.kinds);
      const files = await readLintFiles(places);
      const templates = templatesOf(files.flatMap(({ documents }) => documents));
      const decoding = { unknownFields: flags.strict ? 'refuse' : 'drop' } as const;
      const { linted, findings } = await lintFiles(files, {
        kinds,
        templates,
        refusalOf: (document) => {
          if (!flags.offline) return refusalOfServer(context, document, decoding);
          checkOffline(document, templates, decoding);
          return undefined;
        },
      });
      if (linted === 0) {
        context.out('✖ found nothing to lint in the specified paths, failing...');
        throw new ExitCodeError(1);
      }
      context.out(lintText(findings, format));
      const failing = flags.warningsAsErrors ? findings : findings.filter(({ severity }) => severity === 'error');
      if (failing.length > 0) throw new ExitCodeError(1);
    });
};
