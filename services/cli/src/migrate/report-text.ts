import { tableText } from '../output/table.js';
import { type CountedNote, type MigrationReport, unfinishedCountOf } from './assess-install.js';

const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines]);

const noteLines = (notes: readonly CountedNote[]): string[] =>
  notes.map(({ note, objects, example }) => `  ${objects} × ${note} (${objects === 1 ? example : `for example ${example}`})`);

const configurationLines = ({ found, keys, notes, problems }: MigrationReport['configuration']): string[] => {
  if (!found) return ['no ConfigMap of the controller: defaults and variables would be in effect'];
  return [
    `ConfigMap of the controller: ${keys.join(', ') || 'empty'}`,
    ...notes.map((note) => `  note: ${note}`),
    ...problems.map((problem) => `  problem: ${problem}`),
  ];
};

/** The report for people: what is there, what would not run and why, what would be noticed, and the next step. */
export const migrationText = (report: MigrationReport): string => {
  const rows = Object.entries(report.kinds).map(([kind, { found, refused }]) => [
    kind,
    String(found),
    String(found - refused),
    String(refused),
  ]);
  const total = Object.values(report.kinds).reduce((sum, { refused }) => sum + refused, 0);
  const hidden = total - report.refused.length;
  const unfinished = unfinishedCountOf(report);
  const isReady = total === 0 && report.configuration.problems.length === 0;
  return [
    ...configurationLines(report.configuration),
    '',
    tableText([['KIND', 'FOUND', 'WOULD RUN', 'REFUSED'], ...rows]),
    ...section('Refused:', [
      ...report.refused.map(
        ({ kind, namespace, name, message }) => `  ${kind} ${namespace ? `${namespace}/` : ''}${name}: ${message}`,
      ),
      ...(hidden > 0 ? [`  and ${hidden} more: -o json has as many as --refused names`] : []),
    ]),
    ...section('Taken with a warning:', noteLines(report.warnings)),
    ...section('Differs from Argo, where it is used:', noteLines(report.differences)),
    ...section(
      'Not ended yet:',
      unfinished === 0
        ? []
        : [`  ${unfinished} workflows: let them end under Argo's controller, or stop it and have them taken over`],
    ),
    '',
    isReady ? 'Nothing stands in the way.' : 'The problems and refusals above come first; docs/compatibility.md has the reasons.',
  ].join('\n');
};
