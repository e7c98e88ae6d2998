import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomWorkflow, runSimulated, type SimulationOptions } from '#libs/testing';
import { isFinishedWorkflowPhase, type NodeStatus, type Workflow } from '#libs/workflow-spec';
import { canTransition, type Decision } from './index.js';

const RUNS = { numRuns: 40, seed: 20240101, endOnFailure: false } as const;
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

const holdsFor = (check: (workflow: Workflow, seed: number) => void): void =>
  fc.assert(fc.property(randomWorkflow(), seeds, check), RUNS);

const sameEnd = (calm: SimulationOptions, stormy: SimulationOptions): void =>
  holdsFor((workflow, seed) => {
    const expected = runSimulated(workflow, { seed, ...calm });
    const found = runSimulated(workflow, { seed, ...calm, ...stormy });
    expect(essence(found.workflow)).toEqual(essence(expected.workflow));
  });

describe('properties of decisions', () => {
  it('ends every workflow', () => {
    holdsFor((workflow, seed) => {
      const run = runSimulated(workflow, { seed });
      expect(isFinishedWorkflowPhase(run.workflow.status?.phase)).toBe(true);
      expect(run.commands.filter(({ type }) => type === 'finish')).toHaveLength(1);
    });
  });

  it('gives the same result when it knows nothing but the rows before each event', () => {
    sameEnd({ oneByOne: true }, { forgetful: true });
  });

  it('is not changed by repeated reports or by reports of other pods', () => {
    sameEnd({ oneByOne: true }, { repeating: true });
  });

  it('has nothing left to decide after a decision', () => {
    holdsFor((workflow, seed) => {
      expect(runSimulated(workflow, { seed, decidingTwice: true }).ended).toBe(true);
    });
  });

  it('comes to the same end when decisions are lost before they are stored', () => {
    sameEnd({ oneByOne: true }, { losingEvery: 3 });
  });

  it('comes to the same tree when its decisions are cut small', () => {
    sameEnd({ oneByOne: true }, { maxChanges: 40 });
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
});
