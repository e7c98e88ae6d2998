import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runSimulated, sharedFolder, sharedFolderHint, type SimulationOptions } from '#libs/testing';
import type { TypedObject, Workflow } from '#libs/workflow-spec';

interface Recording {
  workflow: Workflow;
  status?: unknown;
  others?: TypedObject[];
  argoNeverEnds?: boolean;
}
interface Comparison {
  normalise(workflow: Workflow): unknown;
  canonical(value: unknown): unknown;
  differences(expected: unknown, actual: unknown): string[];
}

const folder = sharedFolder('conformance', 'random');
const comparison = sharedFolder('conformance', 'compare.mjs');

/** Short pods are known by their ends alone: those of one moment come together, or each for itself. */
const TIMINGS: readonly SimulationOptions[] = [{ endsOnly: true }, { endsOnly: true, oneByOne: true }];

/** What the engine leaves behind that the real controller did not, as lines; empty when they agree in one of the timings. */
const differencesOf = (compare: Comparison, recording: Recording): string[] => {
  const found = TIMINGS.map((timing) => {
    const run = runSimulated(recording.workflow, {
      ...timing,
      ...(recording.others === undefined ? {} : { others: recording.others }),
      mostDecisions: 10_000,
    });
    if (!run.ended) return [`did not end: ${run.workflow.status?.phase ?? ''}`];
    if (recording.argoNeverEnds === true) return [];
    return compare.differences(compare.canonical(recording.status), compare.normalise(run.workflow));
  });
  return found.find((differences) => differences.length === 0) ?? found[0] ?? [];
};

const NO_SLOT = 'there a loop that waits for a slot shows the member that it could not start among its children';
const ONE_PASS = 'what the controller found together in one pass of seconds comes one after the other here';

/** Recordings that do not agree, each with the reason. */
const DIFFERING: ReadonlyMap<string, string> = new Map([
  ['rnd-5061', NO_SLOT],
  ['rnd-1237', ONE_PASS],
  ['rnd-1383', ONE_PASS],
  ['rnd-5016', ONE_PASS],
  ['rnd-5291', ONE_PASS],
]);

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
      name.replace('.json', ''),
      JSON.parse(readFileSync(join(folder ?? '', name), 'utf8')) as Recording,
    ]);

    it.each(recordings.filter(([name]) => !DIFFERING.has(name)))(
      'leaves of %s what the real controller left',
      (_name, recording) => {
        expect(compare === undefined ? [] : differencesOf(compare, recording)).toEqual([]);
      },
    );

    it('ends those too of which it leaves something else', () => {
      for (const [, recording] of recordings.filter(([name]) => DIFFERING.has(name))) {
        const others = recording.others === undefined ? {} : { others: recording.others };
        expect(runSimulated(recording.workflow, { ...others, mostDecisions: 10_000 }).ended).toBe(true);
      }
    });
  },
);
