import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedFolder, sharedFolderHint } from '#libs/testing';
import { type NodeStatus, podNameOfNode, type Workflow, type WorkflowSpec } from '#libs/workflow-spec';
import { workflowText } from './workflow-text.js';

interface RecordedNode extends Omit<NodeStatus, 'children' | 'boundaryID' | 'startedAt' | 'finishedAt'> {
  boundary?: string;
  children?: string[];
}

interface RecordedGet {
  actions?: string[];
  others?: { kind: string; metadata: { name: string }; spec: WorkflowSpec }[];
  workflow: Workflow;
  annotations?: Record<string, string>;
  status: { phase: string; message?: string; conditions?: string[]; nodes?: RecordedNode[] };
}

const GROUPS = ['examples', 'e2e', 'random'];
const CREATED_AT_MS = Date.UTC(2026, 0, 1);
const timeAt = (second: number): string => new Date(CREATED_AT_MS + second * 1000).toISOString().replace('.000Z', 'Z');

/** Recordings hold no times. Which of two siblings began first is read from the text: by the pod's name, else by the step's. */
const startsIn = (text: string, leftOutAt: number): ((podName: string, displayName: string) => number) => {
  const lines = text.split('\n');
  return (podName, displayName) => {
    const byPod = podName === '' ? -1 : lines.findIndex((line) => line.split(/\s+/).includes(podName));
    if (byPod >= 0) return byPod;
    const byStep = lines.findLastIndex((line) => /[◷●✔○✖⚠ǁ] (.*?)(?:  |$)/.exec(line)?.[1] === displayName);
    return byStep < 0 ? leftOutAt : byStep;
  };
};

const conditionOf = (text: string): { type: string; status: string } => {
  const [type = '', status = ''] = text.split('=');
  return { type, status };
};

/** What the recordings leave out: the spec of the template that was referred to, and that the workflow was ended by somebody. */
const templateSpecOf = ({ workflow, others = [] }: RecordedGet): { storedWorkflowTemplateSpec?: WorkflowSpec } => {
  const template = others.find(({ metadata }) => metadata.name === workflow.spec.workflowTemplateRef?.name);
  return template ? { storedWorkflowTemplateSpec: { ...template.spec, ...workflow.spec } } : {};
};
const shutdownOf = ({ actions = [], status }: RecordedGet): { shutdown?: 'Stop' } =>
  /^Stopped with strategy/.test(status.message ?? '') || /\/(stop|terminate) /.test(actions.at(-1) ?? '')
    ? { shutdown: 'Stop' }
    : {};

const objectOf = (recording: RecordedGet, text: string, leftOutAt: number): Workflow => {
  const { workflow, annotations, status } = recording;
  const recorded = status.nodes ?? [];
  const ids = new Map(recorded.map(({ name, id }) => [name, id]));
  const startOf = startsIn(text, leftOutAt);
  const nodes = recorded.map(({ boundary, children, ...rest }): NodeStatus => {
    const node = {
      ...rest,
      ...(boundary === undefined ? {} : { boundaryID: ids.get(boundary) ?? '' }),
      ...(children === undefined ? {} : { children: children.map((name) => ids.get(name) ?? '') }),
    } as NodeStatus;
    const second = startOf(node.type === 'Pod' ? podNameOfNode(workflow, node) : '', node.displayName ?? '');
    return { ...node, startedAt: timeAt(second), finishedAt: timeAt(second + 1) };
  });
  for (const parent of nodes.filter(({ type }) => type !== 'Pod' && type !== 'Skipped')) {
    const inside = nodes.filter(
      ({ name, type }) =>
        (type === 'Pod' || type === 'Suspend') && /^[.([]/.test(name.replace(parent.name, '')) && name.startsWith(parent.name),
    );
    const first = inside.map(({ startedAt }) => startedAt ?? '').sort()[0];
    if (first !== undefined) parent.startedAt = first;
  }
  return {
    ...workflow,
    metadata: { namespace: 'argo', ...workflow.metadata, ...(annotations ? { annotations } : {}), creationTimestamp: timeAt(0) },
    spec: { ...workflow.spec, ...shutdownOf(recording) },
    status: {
      ...status,
      ...templateSpecOf(recording),
      startedAt: timeAt(0),
      finishedAt: timeAt(9),
      conditions: (status.conditions ?? []).map(conditionOf).sort(({ type }) => (type === 'Completed' ? 1 : -1)),
      ...(text.includes('\nResourcesDuration:') ? { resourcesDuration: { cpu: 1 } } : {}),
      nodes: Object.fromEntries(nodes.map((node) => [node.id, node])),
    },
  } as unknown as Workflow;
};

/** Times and lengths of time as the recordings write them, and the spaces that their width makes. */
const normalised = (text: string): string[] => {
  let inTree = false;
  return text.split('\n').map((line) => {
    if (line.startsWith('STEP')) inTree = true;
    if (!inTree)
      return line
        .trimEnd()
        .replace(/ \d+m$/, ' <dur>')
        .replace(/^(Created|Started|Finished|Duration|ResourcesDuration|EstimatedDuration):( +).*$/, '$1:$2<time>');
    return line.replace(/ 1s( +)?(?=\S|$)/, (_, gap?: string) => ` <dur>${gap ? '  ' : ''}`).trimEnd();
  });
};

/** Ours names driver and key where Argo prints a Go value. */
const withoutPlaces = (lines: readonly string[]): string[] => {
  const from = lines.indexOf('Output Artifacts:');
  return lines.map((line, index) => (from >= 0 && index > from && line.startsWith('  ') ? line.slice(0, 21) : line));
};

/** Lines that differed between two runs of the original command are anything. */
const isSame = (ours: readonly string[], theirs: readonly string[]): boolean => {
  if (ours.length !== theirs.length) return false;
  if (!theirs.includes(VOLATILE)) return theirs.every((line, index) => line === ours[index]);
  const drawn = new Set(ours.map(withoutBranches));
  return theirs.every((line) => line === VOLATILE || drawn.has(withoutBranches(line)));
};
const VOLATILE = '<volatile line>';
const withoutBranches = (line: string): string => line.replace(/[├└┬─│]/g, ' ');

const FIRST = 0;
const LAST = 10_000;
const folder = sharedFolder('conformance', 'get');

describe.skipIf(folder === undefined)(`text of get ${folder === undefined ? sharedFolderHint('conformance', 'get') : ''}`, () => {
  it('is that of the original command for every recorded workflow', () => {
    const root = path.dirname(folder ?? '');
    const different: Record<string, { ours: string[]; theirs: string[] }> = {};
    let count = 0;
    for (const file of readdirSync(folder ?? '').filter((name) => name.endsWith('.txt'))) {
      const name = file.replace(/\.txt$/, '');
      const group = GROUPS.find((one) => existsSync(path.join(root, one, `${name}.json`)));
      if (group === undefined) continue;
      const recording = JSON.parse(readFileSync(path.join(root, group, `${name}.json`), 'utf8')) as RecordedGet;
      const text = readFileSync(path.join(folder ?? '', file), 'utf8').trimEnd();
      const options = {
        colour: false,
        utf8: true,
        nowMs: CREATED_AT_MS + 60_000,
        format: 'default' as const,
        hides: () => false,
      };
      const theirs = withoutPlaces(normalised(text));
      count += 1;
      // A node that was left out has no line, but stands among its siblings: at its time, which is not recorded.
      const candidates = [LAST, FIRST].map((leftOutAt) =>
        withoutPlaces(normalised(workflowText(objectOf(recording, text, leftOutAt), options).trimEnd())),
      );
      if (!candidates.some((ours) => isSame(ours, theirs))) different[name] = { ours: candidates[0] ?? [], theirs };
    }
    process.stdout.write(`get: ${count - Object.keys(different).length} of ${count}\n`);
    expect(different).toEqual({});
  });
});
