import { ManifestPlaces, ManifestSyntaxError, type TemplateGetter, UserError, type ValuePath } from '#libs/workflow-spec';
import type { ManifestDocument } from '../commands/manifests.js';
import { adviceOn } from './advice.js';
import { type LintFinding, ruleOf } from './finding.js';
import type { LintFile } from './lint-files.js';
import { LINTED_KINDS, specIn } from './offline-lint.js';
import { pathOfMessage } from './path-of-message.js';

export interface LintOptions {
  /** Kinds to look at; absent: all that the linter knows. */
  kinds?: readonly string[] | undefined;
  templates: TemplateGetter;
  /** The message that refuses a document, if it is refused; a UserError thrown is one too. */
  refusalOf(document: ManifestDocument): Promise<string | undefined> | string | undefined;
}

/** What was looked at, and what was found. */
export interface LintReport {
  linted: number;
  findings: LintFinding[];
}

const nameOf = ({ object, document }: ManifestDocument): string => {
  const metadata = object.metadata as { name?: string; generateName?: string } | undefined;
  return metadata?.name || metadata?.generateName || `object #${document}`;
};

const refusal = async (options: LintOptions, document: ManifestDocument): Promise<string | undefined> => {
  try {
    return await options.refusalOf(document);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
};

const advice = (document: ManifestDocument, templates: TemplateGetter): ReturnType<typeof adviceOn> => {
  try {
    const found = specIn(document.object, document.object.kind ?? '');
    return found === undefined ? [] : adviceOn({ ...found, namespace: document.object.metadata?.namespace ?? '', templates });
  } catch (error) {
    // What does not decode is refused above; there is nothing to advise on.
    if (error instanceof UserError) return [];
    throw error;
  }
};

const lintFile = async ({ file, text, documents, problem }: LintFile, options: LintOptions): Promise<LintReport> => {
  if (problem) {
    const syntax = problem.cause instanceof ManifestSyntaxError ? problem.cause : undefined;
    const message = problem.message.replace(`${file}: `, '');
    const place = { line: syntax?.line, column: syntax?.column };
    return { linted: 1, findings: [{ file, ...place, object: '', kind: '', rule: 'unreadable', severity: 'error', message }] };
  }
  const wanted = documents.filter(({ object: { kind = '' } }) =>
    options.kinds ? options.kinds.includes(kind) : Object.hasOwn(LINTED_KINDS, kind),
  );
  let places: ManifestPlaces | undefined;
  const findings: LintFinding[] = [];
  for (const document of wanted) {
    const add = (path: ValuePath | undefined, found: Pick<LintFinding, 'rule' | 'severity' | 'message'>): void => {
      places ??= new ManifestPlaces(text);
      const place = path && places.placeOf(document.document, path);
      findings.push({ file, ...place, object: nameOf(document), kind: document.object.kind ?? '', ...found });
    };
    const message = await refusal(options, document);
    if (message !== undefined)
      add(pathOfMessage(document.object, message), { rule: ruleOf(message), severity: 'error', message });
    for (const { path, rule, message: words } of advice(document, options.templates))
      add(path, { rule, severity: 'warning', message: words });
  }
  return { linted: wanted.length, findings };
};

/** Lints every document of the files. */
export const lintFiles = async (files: readonly LintFile[], options: LintOptions): Promise<LintReport> => {
  const reports: LintReport[] = [];
  for (const file of files) reports.push(await lintFile(file, options));
  return {
    linted: reports.reduce((sum, { linted }) => sum + linted, 0),
    findings: reports.flatMap(({ findings }) => findings),
  };
};
