import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomWorkflow, runSimulated, type SimulationOptions } from '#libs/testing';
import {
  isFinishedWorkflowPhase,
  type NodeStatus,
  type Synchronization,
  type Template,
  type Workflow,
} from '#libs/workflow-spec';
import type { Command, WantedLock } from '../contract.js';

const LIMITS = { 'lab/one': 1, 'lab/two': 2, 'lab/three': 3 };
const leafLocks = fc
  .subarray(['one', 'two', 'three'])
  .map((keys): Synchronization => ({ semaphores: keys.map((key) => ({ database: { key } })) }));

/** Work takes locks that are shared by all; a container of it takes one of its own, so that nobody waits for who waits for him. */
const withLocks = (template: Template, locks: Synchronization | undefined): Template => {
  if (locks === undefined) return template;
  const isContainer = template.steps !== undefined || template.dag !== undefined;
  return { ...template, synchronization: isContainer ? { mutexes: [{ name: template.name ?? '' }] } : locks };
};

const lockedWorkflow = fc
  .tuple(randomWorkflow(), fc.array(fc.option(leafLocks, { nil: undefined }), { minLength: 1, maxLength: 12 }), fc.boolean())
  .map(([workflow, choices, isWhole]): Workflow => ({
    ...workflow,
    spec: {
      ...workflow.spec,
      ...(isWhole ? { synchronization: { mutexes: [{ name: 'whole' }] } } : {}),
      templates: (workflow.spec.templates ?? []).map((template, index) => withLocks(template, choices[index % choices.length])),
    },
  }));

const options: SimulationOptions = {
  syncLimits: LIMITS,
  lockedByOthers: [
    { lock: 'sem/lab/one', untilMs: 700 },
    { lock: 'sem/lab/two', untilMs: 1500 },
    { lock: 'lab/Mutex/whole', untilMs: 300 },
  ],
};

/** Permits asked for and not given back at the end. */
const leaked = (commands: readonly Command[]): string[] => {
  const open = new Map<string, WantedLock[]>();
  for (const command of commands) {
    if (command.type === 'wantLocks') open.set(command.holder, command.locks);
    if (command.type === 'releaseLocks' && command.all === true) open.clear();
    if (command.type === 'releaseLocks') open.delete(command.holder);
  }
  return [...open.keys()];
};

/** Times, order and slots apart: what locks delay may end in another order, but not otherwise. */
const essence = (workflow: Workflow): unknown => {
  const nodes = Object.values(workflow.status?.nodes ?? {});
  const shown = ({ name, type, phase, message, outputs, synchronizationStatus }: NodeStatus): unknown => [
    name,
    type,
    phase,
    message ?? '',
    outputs ?? {},
    synchronizationStatus ?? null,
  ];
  return { phase: workflow.status?.phase, synchronization: workflow.status?.synchronization, nodes: nodes.map(shown).sort() };
};

const RUNS = { numRuns: 40, endOnFailure: false } as const;
const seeds = fc.integer({ min: 1, max: 1_000_000 });

describe('workflows with locks', () => {
  it('end, hold nothing then, and show nothing of it', () => {
    fc.assert(
      fc.property(lockedWorkflow, seeds, (workflow, seed) => {
        const run = runSimulated(workflow, { ...options, seed });
        expect(isFinishedWorkflowPhase(run.workflow.status?.phase)).toBe(true);
        expect(leaked(run.commands)).toEqual([]);
        expect(run.workflow.status?.synchronization).toBeUndefined();
      }),
      RUNS,
    );
  });

  it('end the same when the state is made anew from its rows before each decision', () => {
    fc.assert(
      fc.property(lockedWorkflow, seeds, (workflow, seed) => {
        const calm = runSimulated(workflow, { ...options, seed, oneByOne: true });
        const stormy = runSimulated(workflow, { ...options, seed, oneByOne: true, forgetful: true });
        expect(essence(stormy.workflow)).toEqual(essence(calm.workflow));
        expect(leaked(stormy.commands)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('end without a leak when decisions are lost, repeated or cut small, and when they are stopped midway', () => {
    const storms: SimulationOptions[] = [
      { losingEvery: 3 },
      { repeating: true },
      { maxChanges: 5 },
      { decidingTwice: true },
      { requests: [{ atMs: 400, request: { type: 'stop' } }] },
      { requests: [{ atMs: 200, request: { type: 'terminate' } }] },
      {
        requests: [
          { atMs: 100, request: { type: 'suspend' } },
          { atMs: 2500, request: { type: 'resume' } },
        ],
      },
    ];
    fc.assert(
      fc.property(lockedWorkflow, seeds, fc.constantFrom(...storms), (workflow, seed, storm) => {
        const run = runSimulated(workflow, { ...options, ...storm, seed });
        expect(isFinishedWorkflowPhase(run.workflow.status?.phase)).toBe(true);
        expect(leaked(run.commands)).toEqual([]);
      }),
      RUNS,
    );
  });
});
