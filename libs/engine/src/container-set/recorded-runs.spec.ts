import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type PlayedPod, runSimulated, sharedFolder, sharedFolderHint } from '#libs/testing';
import type { NodeStatus, TypedObject, Workflow } from '#libs/workflow-spec';
import type { PodOrder, WorkflowRequest } from '../contract.js';

interface Recording {
  workflow: Workflow;
  status?: { nodes?: NodeStatus[] };
  others?: TypedObject[];
}
interface Comparison {
  normalise(workflow: Workflow): unknown;
  canonical(value: unknown): unknown;
  differences(expected: unknown, actual: unknown): string[];
}

const conformance = sharedFolder('conformance');

/** Pods end as their recorded nodes did; daemons are ready at once, and members of a set end as theirs did. */
const asRecorded = (recording: Recording) => {
  const nodes = new Map((recording.status?.nodes ?? []).map((node) => [node.name, node]));
  return ({ nodeId, nodeName, incarnation, template }: PodOrder): PlayedPod => {
    const node = nodes.get(nodeName);
    const ending = (phase: string | undefined) => (phase === 'Failed' || phase === 'Error' ? 'Failed' : 'Succeeded');
    const containers = (template.containerSet?.containers ?? []).map(({ name = '' }) => ({
      name,
      phase: ending(nodes.get(`${nodeName}.${name}`)?.phase),
    })) as { name: string; phase: 'Succeeded' | 'Failed' }[];
    const { exitCode, ...outputs } = node?.outputs ?? {};
    return {
      durationMs: nodeName.endsWith('.B') ? 999_000 : 10,
      ...(template.daemon === true ? { running: { ready: true, podIP: '10.0.0.1' } } : {}),
      report: {
        nodeId,
        incarnation,
        phase: ending(node?.phase),
        ...(node?.message === undefined ? {} : { message: node.message }),
        ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
        ...(Object.keys(outputs).length === 0 ? {} : { outputs }),
        ...(containers.length === 0 ? {} : { containers }),
      },
    };
  };
};

const REQUESTS: Readonly<Record<string, readonly { atMs: number; request: WorkflowRequest }[]>> = {
  'e-functional-stop-terminate-daemon': [{ atMs: 1_000, request: { type: 'stop' } }],
};

/** Recordings of sets, daemons and claims. */
const NAMES = [
  'container-set-template-graph-workflow',
  'container-set-template-sequence-workflow',
  'daemon-nginx',
  'dag-daemon-retry-strategy',
  'e-functional-stop-terminate-daemon',
  'volumes-pvc',
  'volumes-emptydir',
  'volumes-existing',
  'init-container',
  'sidecar-nginx',
  'e-testdata-storage-limit',
  'e-testdata-retry-with-recreated-pvc-test',
  'e-testdata-volume-claim-template-wo-bef2',
  'e-testdata-loops-steps-limited-para-8ca6',
  'e-functional-dag-skipped-volume-default',
];

describe.skipIf(conformance === undefined)(
  `recorded sets, daemons and claims (${sharedFolderHint('conformance')} if absent)`,
  () => {
    it.each(NAMES)('leaves of %s what the real controller left', async (name) => {
      const files = ['examples', 'e2e'].map((folder) => path.join(conformance ?? '', folder, `${name}.json`));
      const recording = JSON.parse(readFileSync(files.find(existsSync) ?? '', 'utf8')) as Recording;
      const compare = (await import(path.join(conformance ?? '', 'compare.mjs'))) as Comparison;
      const { metadata } = recording.workflow;
      const run = runSimulated(
        { ...recording.workflow, metadata: { ...metadata, namespace: 'argo' } },
        {
          ...(recording.others === undefined ? {} : { others: recording.others }),
          play: asRecorded(recording),
          requests: REQUESTS[name] ?? [],
          mostDecisions: 2_000,
        },
      );
      expect(run.ended).toBe(true);
      expect(compare.differences(compare.canonical(recording.status), compare.normalise(run.workflow))).toEqual([]);
    });
  },
);
