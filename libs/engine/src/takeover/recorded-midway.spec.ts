import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runSimulated, sharedFolder, sharedFolderHint, type FoundPod } from '#libs/testing';
import type { KubernetesObject, Outputs, Workflow } from '#libs/workflow-spec';

interface Pod {
  metadata: { annotations: Record<string, string> };
  status: { phase: string; containerStatuses?: { name: string; state: { terminated?: { exitCode: number } } }[] };
}
interface Midway {
  midway: {
    workflow: Workflow;
    pods: Pod[];
    taskResults: (KubernetesObject & { metadata: { name: string }; outputs?: Outputs })[];
  };
  end: Workflow;
}
interface Comparison {
  normalise(workflow: Workflow): unknown;
  differences(expected: unknown, actual: unknown): string[];
}

const folder = sharedFolder('conformance', 'records', 'midway');
const comparison = sharedFolder('conformance', 'compare.mjs');

/** The pods of the snapshot as somebody who looks now finds them: what has ended, and what is still to be played. */
const foundPods = ({ pods, taskResults }: Midway['midway']): FoundPod[] =>
  pods.map(({ metadata, status }) => {
    const nodeId = metadata.annotations['workflows.argoproj.io/node-id'] ?? '';
    const main = status.containerStatuses?.find(({ name }) => name === 'main')?.state.terminated;
    if (main === undefined) return { nodeId };
    const outputs = taskResults.find((result) => result.metadata.name === nodeId)?.outputs;
    const phase = main.exitCode === 0 ? 'Succeeded' : 'Failed';
    const message = main.exitCode === 0 ? {} : { message: `main: Error (exit code ${main.exitCode})` };
    return { nodeId, ended: { phase, exitCode: main.exitCode, ...message, ...(outputs === undefined ? {} : { outputs }) } };
  });

describe.skipIf(folder === undefined || comparison === undefined)(
  `workflows that the real controller had begun (${sharedFolderHint('conformance')} if absent)`,
  async () => {
    const compare = comparison === undefined ? undefined : ((await import(comparison)) as Comparison);
    const files = folder === undefined ? [] : readdirSync(folder).sort();

    it.each(files.map((file) => file.replace('.json', '')))('%s is carried to the end that it had there', (name) => {
      const { midway, end } = JSON.parse(readFileSync(join(folder ?? '', `${name}.json`), 'utf8')) as Midway;
      const pods = foundPods(midway);
      const run = runSimulated(midway.workflow, { found: { workflow: midway.workflow, pods }, endsOnly: true, oneByOne: true });
      expect(compare?.differences(compare.normalise(end), compare.normalise(run.workflow))).toEqual([]);
      expect(pods.filter(({ nodeId }) => run.made.has(nodeId))).toEqual([]);
    });
  },
);
