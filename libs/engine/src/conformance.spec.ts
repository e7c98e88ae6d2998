import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runSimulated, sharedFolder, sharedFolderHint } from '#libs/testing';
import type { TypedObject, Workflow } from '#libs/workflow-spec';

interface Recording {
  workflow: Workflow;
  status?: unknown;
  others?: TypedObject[];
  first?: boolean;
  argoNeverEnds?: boolean;
}
interface Comparison {
  normalise(workflow: Workflow): unknown;
  canonical(value: unknown): unknown;
  differences(expected: unknown, actual: unknown): string[];
}

const folder = sharedFolder('conformance', 'random');
const comparison = sharedFolder('conformance', 'compare.mjs');

/** What the engine leaves behind that the real controller did not, as lines; empty when they agree. */
const differencesOf = (compare: Comparison, recording: Recording): string[] => {
  const run = runSimulated(recording.workflow, {
    ...(recording.others === undefined ? {} : { others: recording.others }),
    mostDecisions: 10_000,
  });
  if (!run.ended) return [`did not end: ${run.workflow.status?.phase ?? ''}`];
  if (recording.argoNeverEnds === true) return [];
  return compare.differences(compare.canonical(recording.status), compare.normalise(run.workflow));
};

/** Recordings beyond the first language that agree at present; may only rise. */
const OTHERS_PASSING = 198;

describe.skipIf(folder === undefined || comparison === undefined)(
  `recordings of the real controller (${sharedFolderHint('conformance')} if absent)`,
  async () => {
    const compare = comparison === undefined ? undefined : ((await import(comparison)) as Comparison);
    const names =
      folder === undefined
        ? []
        : readdirSync(folder)
            .filter((name) => name.endsWith('.json'))
            .sort();
    const recordings = names.map((name): [string, Recording] => [
      name,
      JSON.parse(readFileSync(join(folder ?? '', name), 'utf8')) as Recording,
    ]);
    const first = recordings.filter(([, recording]) => recording.first === true);

    it.each(first)('leaves of %s what the real controller left', (_name, recording) => {
      expect(compare === undefined ? [] : differencesOf(compare, recording)).toEqual([]);
    });

    it('agrees with at least as many of the other recordings as before', () => {
      const others = recordings.filter(([, recording]) => recording.first !== true);
      const passing = others.filter(([, recording]) => compare !== undefined && differencesOf(compare, recording).length === 0);
      expect(passing.length).toBeGreaterThanOrEqual(OTHERS_PASSING);
    });
  },
);
