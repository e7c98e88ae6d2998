import type { Command } from 'commander';
import { convertLegacy, type JsonValue, workflowJsonSchema } from '#libs/workflow-spec';
import { objectText } from '../output/object-text.js';
import { contextOf, wordOf } from './context.js';
import { type ManifestDocument, readManifests } from './manifests.js';

const FORMATS = ['yaml', 'json'] as const;

const converted = ({ file, object }: ManifestDocument): ManifestDocument['object'] => {
  const { value, changes } = convertLegacy(object as JsonValue);
  for (const change of changes) process.stderr.write(`${file}: ${change}\n`);
  return value as ManifestDocument['object'];
};

/** Verbs over files alone: `convert` and `schema`. */
export const addFiles = (program: Command): void => {
  program
    .command('convert <files...>')
    .description(
      'print objects (- for standard input) with the forms that Argo 4.0 removed written anew; what changed goes to standard error',
    )
    .option('-o, --output <format>', `print as ${FORMATS.join(' or ')}; default yaml`)
    .addHelpText('after', '\nExamples:\n  argosy convert old.yaml > new.yaml\n  cat old.yaml | argosy convert - -o json')
    .action(async (files: string[], flags: { output?: string }, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', FORMATS, flags.output) ?? 'yaml';
      const objects = (await readManifests(files)).map((document) => {
        const object = converted(document);
        return { ...object, metadata: object.metadata ?? {} };
      });
      const texts = objects.map((object) => objectText(object, format));
      context.out(texts.join(format === 'yaml' ? '---\n' : '\n'));
    });
  program
    .command('schema')
    .description('print a JSON schema of all kinds, for editors')
    .addHelpText('after', '\nExample:\n  argosy schema > .vscode/argosy.schema.json')
    .action((_flags: object, command: Command) => contextOf(command).out(JSON.stringify(workflowJsonSchema(), null, 2)));
};
