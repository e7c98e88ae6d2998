import { PRODUCT_VERSION } from '../product-version.js';
import type { LintFinding } from './finding.js';

export const LINT_FORMATS = ['pretty', 'simple', 'json', 'sarif'] as const;
export type LintFormat = (typeof LINT_FORMATS)[number];

const subjectOf = ({ object, kind }: LintFinding): string => (object === '' ? '' : `in "${object}" (${kind}): `);
const placeText = ({ line, column, rule }: LintFinding): string =>
  line === undefined ? `[${rule}]` : `[${line}:${column ?? 1} ${rule}]`;

const MARKS = { error: '✖', warning: '⚠' } as const;

const prettyText = (findings: readonly LintFinding[]): string => {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const lines: string[] = [];
  for (const file of new Set(findings.map((finding) => finding.file))) {
    lines.push(`${file}:`);
    for (const finding of findings.filter((each) => each.file === file))
      lines.push(`   ${MARKS[finding.severity]} ${subjectOf(finding)}${finding.message} ${placeText(finding)}`);
    lines.push('');
  }
  lines.push(errors === 0 ? '✔ no linting errors found!' : `✖ ${errors} linting errors found!`);
  return lines.join('\n');
};

const simpleText = (findings: readonly LintFinding[]): string =>
  findings
    .map((finding) => {
      const severity = finding.severity === 'warning' ? 'warning: ' : '';
      return `${finding.file}: ${severity}${subjectOf(finding)}${finding.message}`;
    })
    .join('\n');

const LEVELS = { error: 'error', warning: 'warning' } as const;

/** SARIF 2.1.0, as code hosts show it beside the lines. */
const sarifOf = (findings: readonly LintFinding[]): object => ({
  $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
  version: '2.1.0',
  runs: [
    {
      tool: {
        driver: {
          name: 'argosy',
          version: PRODUCT_VERSION.replace(/^v/, ''),
          rules: [...new Set(findings.map(({ rule }) => rule))].sort().map((id) => ({ id })),
        },
      },
      results: findings.map((finding) => ({
        ruleId: finding.rule,
        level: LEVELS[finding.severity],
        message: { text: `${subjectOf(finding)}${finding.message}` },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: finding.file },
              ...(finding.line === undefined ? {} : { region: { startLine: finding.line, startColumn: finding.column ?? 1 } }),
            },
          },
        ],
      })),
    },
  ],
});

/** All findings as one text. */
export const lintText = (findings: readonly LintFinding[], format: LintFormat): string => {
  switch (format) {
    case 'pretty':
      return prettyText(findings);
    case 'simple':
      return simpleText(findings);
    case 'json':
      return JSON.stringify(findings, null, 2);
    case 'sarif':
      return JSON.stringify(sarifOf(findings), null, 2);
  }
};
