import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import type { PodOrder } from '#libs/engine';
import { comparablePods, type PlayedPod, podMounts, runSimulated, sharedFolder, sharedFolderHint } from '#libs/testing';
import type { JsonValue, KubernetesObject, NodeStatus, TypedObject, Workflow } from '#libs/workflow-spec';

import { buildPod } from './build-pod.js';
import { kubernetesPod } from './kubernetes-pod.js';

interface Recording {
  workflow: Workflow;
  status?: { nodes?: NodeStatus[] };
  others?: TypedObject[];
}

const conformance = sharedFolder('conformance');
const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

function recordingOf(name: string): Recording | undefined {
  const files = ['examples', 'e2e'].map((folder) => path.join(conformance ?? '', folder, `${name}.json`));
  const file = files.find(existsSync);
  return file === undefined ? undefined : (readJson(file) as Recording);
}

/** Ends every pod as the recorded node ended, so that the run takes the recorded way. */
function replayed(recording: Recording): (order: PodOrder) => PlayedPod {
  const nodes = new Map((recording.status?.nodes ?? []).map((node) => [node.id, node]));
  return ({ nodeId, incarnation, template }) => {
    const node = nodes.get(nodeId);
    const failed = node?.phase === 'Failed' || node?.phase === 'Error';
    return {
      durationMs: 1,
      ...(template.daemon === true ? { running: { ready: true, podIP: '10.0.0.1' } } : {}),
      report: {
        nodeId,
        incarnation,
        phase: failed ? 'Failed' : 'Succeeded',
        podIP: '10.0.0.1',
        ...(node?.message === undefined ? {} : { message: node.message }),
        ...(node?.outputs === undefined ? {} : { outputs: node.outputs }),
      },
    };
  };
}

const orderedPods = (recording: Recording): Map<string, PodOrder> => {
  const { metadata, spec } = recording.workflow;
  const workflow = { ...recording.workflow, metadata: { ...metadata, namespace: 'argo' }, spec };
  const run = runSimulated(workflow, {
    ...(recording.others === undefined ? {} : { others: recording.others }),
    play: replayed(recording),
    mostDecisions: 2_000,
  });
  const orders = run.commands.flatMap((command) => (command.type === 'runPod' ? [command.order] : []));
  return new Map(orders.map((order) => [order.podName, order]));
};

const isVolatile = (value: JsonValue | undefined): boolean =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && value['$volatile'] === true;

function differences(expected: JsonValue | undefined, found: JsonValue | undefined, place = ''): string[] {
  if (isVolatile(expected) && found !== undefined) return [];
  const isBoth = [expected, found].every((value) => value !== null && typeof value === 'object');
  if (!isBoth)
    return expected === found ? [] : [`${place}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`];
  const left = expected as KubernetesObject;
  const right = found as KubernetesObject;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) =>
    differences(left[key], right[key], `${place}/${key}`),
  );
}

/** Differences that come of how the recording is played again, or are listed in docs/compatibility.md ("The pod"). */
const EXPECTED_DIFFERENCES: Readonly<Record<string, string>> = {
  // The variable is the earliest of all limits of the pod; Argo leaves the template's own to Kubernetes alone.
  'timeouts-step.json /spec/containers/0/env/3/value': 'ARGO_DEADLINE',
  // The text has the year in it.
  'expression-tag-template-workflow-pod-0-2447258203.json /spec/containers/0/args/1': 'now',
  // The ConfigMap belonged to the cluster and is not in the recording.
  'global-parameters-from-configmap.json /spec/containers/0/args/0': 'ConfigMap',
};

/** Argo mounts the volumes for staging also where nothing is staged: a script without source, an optional artifact that is not given. */
const stagesNothing = ({ podName, template: { script } }: PodOrder): boolean =>
  (script !== undefined && (script.source ?? '') === '') || /missing-steps|input-artifact-optional/.test(podName);

/** Pods that our engine orders under the recorded name; the rest needs templates or actions that a replay does not have. */
const LEAST_PODS_COMPARED = 400;

describe.skipIf(conformance === undefined)(
  `pods of the real controller (${sharedFolderHint('conformance', 'pods')} if absent)`,
  () => {
    const names = conformance === undefined ? [] : readdirSync(path.join(conformance, 'pods'));
    let compared = 0;

    it.each(names)('builds those of %s alike', (name) => {
      const recording = recordingOf(name);
      if (recording === undefined) throw new Error(`no recording of ${name}`);
      const folder = path.join(conformance ?? '', 'pods', name);
      const orders = orderedPods(recording);
      const found = readdirSync(folder).flatMap((file) => {
        const pod = readJson(path.join(folder, file)) as {
          metadata: KubernetesObject & { name: string };
          spec: KubernetesObject;
        };
        const order = orders.get(pod.metadata.name);
        if (order === undefined) return [];
        const built = buildPod({
          order,
          workflow: { name: recording.workflow.metadata.name ?? '', namespace: 'argo', uid: 'uid-1' },
          archiveLogs: true,
        });
        // Argo gives resource, data, http and plugin templates pods of its executor's; here they are tasks without containers.
        if (built.work.task !== undefined) return [];
        compared += 1;
        const { recorded, ours } = comparablePods(pod, built);
        const cluster = kubernetesPod(built, { executor: () => ({ image: 'argosy' }) });
        const mounts = stagesNothing(order)
          ? []
          : differences(podMounts(pod.spec, cluster.spec), podMounts(cluster.spec, pod.spec), '/mounts');
        const lines = [...differences(recorded, ours), ...mounts].map((line) => `${file} ${line}`);
        return lines.filter((line) => EXPECTED_DIFFERENCES[line.slice(0, line.indexOf(':'))] === undefined);
      });
      expect(found).toEqual([]);
    });

    it('compares nearly all of them', () => {
      expect(compared).toBeGreaterThanOrEqual(LEAST_PODS_COMPARED);
    });
  },
);
