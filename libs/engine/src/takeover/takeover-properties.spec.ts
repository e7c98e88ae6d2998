import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomWorkflow, runSimulated, type SimulatedRun, type SimulationOptions } from '#libs/testing';
import type { NodeStatus, Workflow } from '#libs/workflow-spec';

const RUNS = { numRuns: 30, endOnFailure: true } as const;
const TIMEOUT_MS = 120_000;

/** What has to be the same after a loss: everything but times, what follows from them, and the order in which nodes were made. */
const essence = (workflow: Workflow): unknown => {
  const nodes = workflow.status?.nodes ?? {};
  const namesOf = (ids: string[] | undefined): string[] => (ids ?? []).map((id) => nodes[id]?.name ?? id).sort();
  const shown = ({ startedAt: _started, finishedAt: _finished, resourcesDuration: _duration, ...node }: NodeStatus): unknown => ({
    ...node,
    children: namesOf(node.children),
    outboundNodes: namesOf(node.outboundNodes),
  });
  const { phase, message, outputs } = workflow.status ?? {};
  return { phase, message, outputs, nodes: Object.fromEntries(Object.values(nodes).map((node) => [node.name, shown(node)])) };
};

const twice = ({ made }: SimulatedRun): string[] => [...made].filter(([, times]) => times > 1).map(([nodeId]) => nodeId);

/** Events come one by one and pods are known by their ends: what hooks do does not depend on the moment then. */
const CALM: SimulationOptions = { oneByOne: true, endsOnly: true };

/** A status has whole seconds: what ends within the same one would do so in another order. */
const withoutFractions = (workflow: Workflow): Workflow =>
  JSON.parse(JSON.stringify(workflow).replaceAll('"suspend":{"duration":"3"}', '"suspend":{"duration":"0"}')) as Workflow;

/** Which hooks found no slot a status does not say; they ask again. */
const NO_SLOT = 'Max parallelism reached';

const OTHER_ORDERS = [1, 2, 3];

/** Who gets a slot, what failFast leaves out and the like depend on which of several pods ends first. */
const dependsOnOrder = (workflow: Workflow, end: unknown): boolean =>
  OTHER_ORDERS.some(
    (seed) => JSON.stringify(essence(runSimulated(workflow, { ...CALM, seed }).workflow)) !== JSON.stringify(end),
  );

const workflows = (): fc.Arbitrary<Workflow> => randomWorkflow().map(withoutFractions);
const seeds = fc.integer({ min: 1, max: 1_000_000 });

/** A run that loses its rows at some moment, and the same one undisturbed. */
const lostOnce = (workflow: Workflow, how: { seed: number; permille: number; behind?: number; maxChanges?: number }) => {
  const { seed, permille, ...lost } = how;
  const expected = runSimulated(workflow, { ...CALM, seed });
  const atDecision = 1 + Math.floor((expected.decisions * permille) / 1000);
  return { expected, found: runSimulated(workflow, { ...CALM, seed, lost: { atDecision, ...lost } }) };
};

const sameEnd = (how: { maxChanges?: number }): void => {
  let compared = 0;
  fc.assert(
    fc.property(workflows(), seeds, fc.nat({ max: 999 }), (workflow, seed, permille) => {
      const { expected, found } = lostOnce(workflow, { seed, permille, ...how });
      expect(found.ended).toBe(true);
      expect(twice(found)).toEqual([]);
      const hadNoSlot = [expected, found].some((run) => JSON.stringify(run.workflow).includes(NO_SLOT));
      if (hadNoSlot || dependsOnOrder(workflow, essence(expected.workflow))) return;
      compared += 1;
      expect(essence(found.workflow)).toEqual(essence(expected.workflow));
    }),
    RUNS,
  );
  expect(compared).toBeGreaterThan(RUNS.numRuns / 5);
};

describe('a workflow whose rows are lost', { timeout: TIMEOUT_MS }, () => {
  it('comes from its object to the end that it would have had, and makes no pod twice', () => sameEnd({}));

  it('does so in as many decisions as it takes', () => sameEnd({ maxChanges: 2 }));

  it.each([1, 4])('comes to an end from an object that is %i decisions old, and makes no pod twice', (behind) => {
    fc.assert(
      fc.property(workflows(), seeds, fc.nat({ max: 999 }), (workflow, seed, permille) => {
        const { found } = lostOnce(workflow, { seed, permille, behind });
        expect(found.ended).toBe(true);
        expect(twice(found)).toEqual([]);
      }),
      RUNS,
    );
  });
});
