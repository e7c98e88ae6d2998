import { describe, expect, it } from 'vitest';
import type { Decision } from '#libs/engine';
import type { InboxReading } from '#libs/store';
import { WorkflowPhase } from '#libs/workflow-spec';
import { handoffsOf, type HandoffQuestion } from './handoffs.js';

const KEEPERS = ['record', 'archive'];
const ALL = [...KEEPERS, 'artifact-gc'];

const header = (phase: WorkflowPhase): Decision['header'] => ({
  engineLevel: 1,
  labels: {},
  annotations: {},
  status: { phase },
  internal: {},
});
const podEnd = { kind: 'podEvent' } as unknown as InboxReading['entries'][number];
const gcReport = { kind: 'artifactGc' } as unknown as InboxReading['entries'][number];
const node = (artifacts?: { name: string }[]): { status: object } => ({
  status: { id: 'n', ...(artifacts === undefined ? {} : { outputs: { artifacts } }) },
});

const found = { artifacts: node([{ name: 'a' }]), none: node(), emptied: node([]) };

describe('who has work after a commit', () => {
  it.each([
    { what: 'nobody while it runs', phase: WorkflowPhase.Running, entries: [podEnd], nodes: [found.artifacts], expected: [] },
    { what: 'nobody where the status is as it was', phase: undefined, entries: [podEnd], nodes: [found.artifacts], expected: [] },
    {
      what: 'all where there is an artifact',
      phase: WorkflowPhase.Succeeded,
      entries: [podEnd],
      nodes: [found.none, found.artifacts],
      expected: ALL,
    },
    {
      what: 'all at an end that nothing told',
      phase: WorkflowPhase.Failed,
      entries: [],
      nodes: [found.artifacts],
      expected: ALL,
    },
    {
      what: 'no collection without artifacts',
      phase: WorkflowPhase.Succeeded,
      entries: [podEnd],
      nodes: [found.emptied],
      expected: KEEPERS,
    },
    {
      what: 'no collection for its own report',
      phase: WorkflowPhase.Error,
      entries: [gcReport],
      nodes: [found.artifacts],
      expected: KEEPERS,
    },
    {
      what: 'all where a report came with an end',
      phase: WorkflowPhase.Error,
      entries: [gcReport, podEnd],
      nodes: [found.artifacts],
      expected: ALL,
    },
  ])('$what', ({ phase, entries, nodes, expected }) => {
    const question = { inbox: { entries }, decision: phase === undefined ? {} : { header: header(phase) }, nodes };
    expect(handoffsOf(question as HandoffQuestion)).toEqual(expected);
  });
});
