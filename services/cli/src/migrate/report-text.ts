import { tableText } from '../output/table.js';
import { archiveLines } from './archive-report.js';
import type { MigrationReport } from './assess-install.js';
import type { CountedNote } from './counted-notes.js';
import { unfinishedCountOf } from './live-workflows.js';

const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines]);

const noteLines = (notes: readonly CountedNote[]): string[] =>
  notes.map(({ note, objects, example }) => `  ${objects} × ${note} (${objects === 1 ? example : `for example ${example}`})`);

const configurationLines = ({ found, keys, notes, differences, problems }: MigrationReport['configuration']): string[] => {
  if (!found) return ['no ConfigMap of the controller: defaults and variables would be in effect'];
  return [
    `ConfigMap of the controller: ${keys.join(', ') || 'empty'}`,
    ...notes.map((note) => `  note: ${note}`),
    ...differences.map((difference) => `  differs: ${difference}`),
    ...problems.map((problem) => `  problem: ${problem}`),
  ];
};

const instanceLines = ({ workflows: { instances } }: MigrationReport): string[] =>
  Object.keys(instances).length < 2
    ? []
    : Object.entries(instances).map(
        ([id, objects]) => `  ${objects} workflows of ${id === '' ? 'no instance ID' : `instance ID ${id}`}`,
      );

const waitingLines = ({ workflows: { phases, offloaded } }: MigrationReport): string[] => {
  const unfinished = unfinishedCountOf(phases);
  if (unfinished === 0) return [];
  const ofThem = offloaded.unfinished === 0 ? '' : ` (nodes of ${offloaded.unfinished} are in a database)`;
  return [`  ${unfinished} workflows${ofThem}: let them end under Argo's controller, or stop it and have them taken over`];
};

const eventLines = ({ eventObjects }: MigrationReport): string[] =>
  Object.entries(eventObjects).map(([kind, objects]) => `  ${objects} × ${kind} of Argo Events: goes on by itself`);

/** Whether something would be refused or held, or could not be looked at. */
export const isInTheWay = ({ kinds, configuration, archive }: MigrationReport): boolean =>
  Object.values(kinds).some(({ refused }) => refused > 0) || configuration.problems.length > 0 || archive.problems.length > 0;

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
  return [
    ...configurationLines(report.configuration),
    ...section("Archive and offloaded nodes, Argo's database:", archiveLines(report.archive)),
    '',
    tableText([['KIND', 'FOUND', 'WOULD RUN', 'REFUSED'], ...rows]),
    ...section('Of which instance (INSTANCE_ID says which are ours):', instanceLines(report)),
    ...section('Refused:', [
      ...report.refused.map(
        ({ kind, namespace, name, message }) => `  ${kind} ${namespace ? `${namespace}/` : ''}${name}: ${message}`,
      ),
      ...(hidden > 0 ? [`  and ${hidden} more: -o json has as many as --refused names`] : []),
    ]),
    ...section('Fields that are refused:', noteLines(report.refusedFields)),
    ...section('Taken with a warning:', noteLines(report.warnings)),
    ...section('Differs from Argo, where it is used:', noteLines(report.differences)),
    ...section('Not ended yet:', waitingLines(report)),
    ...section('Left as they are:', eventLines(report)),
    '',
    isInTheWay(report)
      ? 'The problems and refusals above come first; docs/compatibility.md has the reasons.'
      : 'Nothing stands in the way.',
  ].join('\n');
};
