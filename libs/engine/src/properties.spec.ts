import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomWorkflow, runSimulated, type SimulationOptions } from '#libs/testing';
import { isFinishedWorkflowPhase, type NodeStatus, type Workflow } from '#libs/workflow-spec';
import { canTransition, type Decision, type WorkflowRequest } from './index.js';

/** Every run tries other workflows; a failure prints the seed that brings it back (`fc.assert(…, { seed })`). */
const RUNS = { numRuns: 40, endOnFailure: true } as const;
const TIMEOUT_MS = 60_000;
const seeds = fc.integer({ min: 1, max: 1_000_000 });

/** What must not depend on how the engine was driven: everything but times and the order in which nodes were made. */
const essence = (workflow: Workflow): unknown => {
  const nodes = workflow.status?.nodes ?? {};
  const namesOf = (ids: string[] | undefined): string[] => (ids ?? []).map((id) => nodes[id]?.name ?? id).sort();
  const shown = ({ startedAt: _startedAt, finishedAt: _finishedAt, ...node }: NodeStatus): unknown => ({
    ...node,
    children: namesOf(node.children),
    outboundNodes: namesOf(node.outboundNodes),
  });
  const { phase, message, outputs } = workflow.status ?? {};
  return { phase, message, outputs, nodes: Object.fromEntries(Object.values(nodes).map((node) => [node.name, shown(node)])) };
};

const holdsFor = (check: (workflow: Workflow, seed: number) => void, workflows = randomWorkflow()): void =>
  fc.assert(fc.property(workflows, seeds, check), RUNS);

const sameEnd = (calm: SimulationOptions, stormy: SimulationOptions, workflows = randomWorkflow()): void =>
  holdsFor((workflow, seed) => {
    const expected = runSimulated(workflow, { seed, ...calm });
    const found = runSimulated(workflow, { seed, ...calm, ...stormy });
    expect(essence(found.workflow)).toEqual(essence(expected.workflow));
  }, workflows);

interface Trouble {
  deadlineSeconds: number | undefined;
  requests: { atMs: number; request: WorkflowRequest }[];
}

const request = fc.constantFrom<WorkflowRequest[]>({ type: 'stop' }, { type: 'terminate' }, { type: 'resume' });

/** A deadline, a shutdown at any moment, a suspension that someone ends later. */
const trouble: fc.Arbitrary<Trouble> = fc
  .record({
    deadlineSeconds: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
    asked: fc.option(fc.record({ atMs: fc.integer({ min: 0, max: 60 }), request }), { nil: undefined, freq: 2 }),
    suspendedAtMs: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined, freq: 1 }),
  })
  .map(({ deadlineSeconds, asked, suspendedAtMs }) => ({
    deadlineSeconds,
    requests: [
      ...(suspendedAtMs === undefined
        ? []
        : [
            { atMs: suspendedAtMs, request: { type: 'suspend' } as const },
            { atMs: suspendedAtMs + 10, request: { type: 'resume' } as const },
          ]),
      ...(asked === undefined ? [] : [asked]),
    ],
  }));

const troubled = (workflow: Workflow, { deadlineSeconds }: Trouble): Workflow =>
  deadlineSeconds === undefined ? workflow : { ...workflow, spec: { ...workflow.spec, activeDeadlineSeconds: deadlineSeconds } };

const isOpen = (node: NodeStatus | undefined): boolean => node?.phase === 'Pending' || node?.phase === 'Running';

/** The phase that follows from the nodes alone: that of the root, made worse by a failed exit handler only. */
const phaseFrom = (workflow: Workflow): string => {
  const name = workflow.metadata.name ?? '';
  const nodes = Object.values(workflow.status?.nodes ?? {});
  const [root, exit] = [name, `${name}.onExit`].map((own) => nodes.find((node) => node.name === own));
  if (root === undefined || isOpen(root) || isOpen(exit)) return 'Running';
  if (root.phase === 'Failed' || root.phase === 'Error') return root.phase;
  return exit?.phase === 'Failed' || exit?.phase === 'Error' ? exit.phase : 'Succeeded';
};

describe('properties of decisions', { timeout: TIMEOUT_MS }, () => {
  it('ends every workflow', () => {
    holdsFor((workflow, seed) => {
      const run = runSimulated(workflow, { seed });
      expect(isFinishedWorkflowPhase(run.workflow.status?.phase)).toBe(true);
      expect(run.commands.filter(({ type }) => type === 'finish')).toHaveLength(1);
      expect(Object.values(run.workflow.status?.nodes ?? {}).filter(({ daemoned }) => daemoned === true)).toEqual([]);
    });
  });

  it('gives the same result when it knows nothing but the rows before each event, and looks at the whole tree again', () => {
    sameEnd({ oneByOne: true }, { forgetful: true });
  });

  // Where the last events of two loops come together, a hook that has waited for a slot while its loop ran may find it running or ended, as they are looked at.
  const ofOneMind = randomWorkflow({ hooksInPassing: false });

  it('gives the same result from rows alone for events that come together', () => {
    sameEnd({}, { forgetful: true }, ofOneMind);
  });

  it('gives the same result from rows alone where pods are known by their ends', () => {
    sameEnd({ endsOnly: true, oneByOne: true }, { forgetful: true });
  });

  it('gives the same result when two replicas take turns, each with what it remembers and the rows of the other', () => {
    sameEnd({ oneByOne: true }, { replicas: true });
  });

  it('gives the same result with two replicas for events that come together', () => {
    sameEnd({}, { replicas: true }, ofOneMind);
  });

  it('ends every workflow though two replicas take turns and decisions are cut', () => {
    holdsFor((workflow, seed) => {
      expect(runSimulated(workflow, { seed, oneByOne: true, replicas: true, maxChanges: 4 }).ended).toBe(true);
    });
  });

  it('is not changed by repeated reports or by reports of other pods', () => {
    sameEnd({ oneByOne: true }, { repeating: true });
  });

  it('has nothing left to decide after a decision', () => {
    holdsFor((workflow, seed) => {
      expect(runSimulated(workflow, { seed, decidingTwice: true }).ended).toBe(true);
    });
  });

  it.each([2, 3])('comes to the same end when one decision in %i is lost before it is stored', (losingEvery) => {
    sameEnd({ oneByOne: true }, { losingEvery });
  });

  it.each([
    { maxChanges: 4, losingEvery: 5 },
    { maxChanges: 3, losingEvery: 2 },
  ])('ends every workflow though decisions are cut at $maxChanges changes and one in $losingEvery is lost', (stormy) => {
    holdsFor((workflow, seed) => {
      expect(runSimulated(workflow, { seed, oneByOne: true, endsOnly: true, ...stormy }).ended).toBe(true);
    });
  });

  // What a cache knows ends at once, and goes on from there before or after others have got their slots, as the cut falls.
  it.each([7, 3])('comes to the same tree when its decisions are cut at %i changes', (maxChanges) => {
    sameEnd({ oneByOne: true }, { maxChanges }, randomWorkflow({ remembers: false }));
  });

  it('changes phases only as the table allows', () => {
    holdsFor((workflow, seed) => {
      const phases = new Map<string, NodeStatus['phase']>();
      const onDecision = ({ nodes }: Decision): void => {
        for (const { id, status } of nodes) {
          const before = phases.get(id);
          if (before !== undefined && status.phase !== undefined) expect(canTransition(before, status.phase)).toBe(true);
          phases.set(id, status.phase);
        }
      };
      runSimulated(workflow, { seed, onDecision });
    });
  });

  it('orders each incarnation of a pod once', () => {
    holdsFor((workflow, seed) => {
      const { commands } = runSimulated(workflow, { seed, repeating: true });
      const pods = commands.flatMap((command) =>
        command.type === 'runPod' ? [`${command.order.nodeId}/${command.order.incarnation}`] : [],
      );
      expect(new Set(pods).size).toBe(pods.length);
    });
  });

  it('has the phase that follows from its nodes, whatever deadline or request came', () => {
    fc.assert(
      fc.property(randomWorkflow(), seeds, trouble, (workflow, seed, given) => {
        const run = runSimulated(troubled(workflow, given), { seed, requests: given.requests, endsOnly: seed % 2 === 0 });
        const { phase, message } = run.workflow.status ?? {};
        expect(phase).toBe(phaseFrom(run.workflow));
        const isStopped = run.workflow.spec.shutdown !== undefined && (phase === 'Failed' || phase === 'Error');
        if (message?.startsWith('Stopped with strategy') === true) expect(isStopped).toBe(true);
      }),
      RUNS,
    );
  });

  it('waits for nothing that cannot come, whatever deadline or request came and however it is driven', () => {
    const driving = fc.constantFrom<SimulationOptions[]>(
      {},
      { forgetful: true },
      { maxChanges: 3 },
      { maxChanges: 5, forgetful: true },
      { maxChanges: 4, losingEvery: 3 },
    );
    fc.assert(
      fc.property(randomWorkflow(), seeds, trouble, driving, (workflow, seed, given, options) => {
        const run = runSimulated(troubled(workflow, given), { seed, requests: given.requests, ...options });
        expect(run.ended).toBe(true);
      }),
      RUNS,
    );
  });
});
