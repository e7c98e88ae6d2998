import { describe, expect, it } from 'vitest';

import { comparablePods, recordedOrders, recordedPodNames, sharedFolder, sharedFolderHint } from '#libs/testing';
import type { JsonValue, KubernetesObject } from '#libs/workflow-spec';

import { buildPod } from './build-pod.js';

const conformance = sharedFolder('conformance');

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

/** Pods that our engine orders under the recorded name; the rest needs templates or actions that a replay does not have. */
const LEAST_PODS_COMPARED = 400;

describe.skipIf(conformance === undefined)(
  `pods of the real controller (${sharedFolderHint('conformance', 'pods')} if absent)`,
  () => {
    const names = conformance === undefined ? [] : recordedPodNames(conformance);
    let compared = 0;

    it.each(names)('builds those of %s alike', (name) => {
      const found = recordedOrders(conformance ?? '', name).flatMap(({ file, pod, order, workflowName }) => {
        const built = buildPod({
          order,
          workflow: { name: workflowName, namespace: 'argo', uid: 'uid-1' },
          archiveLogs: true,
        });
        // Argo gives resource, data, http and plugin templates pods of its executor's; here they are tasks without containers.
        if (built.work.task !== undefined) return [];
        compared += 1;
        const { recorded, ours } = comparablePods(pod, built);
        const lines = differences(recorded, ours).map((line) => `${file} ${line}`);
        return lines.filter((line) => EXPECTED_DIFFERENCES[line.slice(0, line.indexOf(':'))] === undefined);
      });
      expect(found).toEqual([]);
    });

    it('compares nearly all of them', () => {
      expect(compared).toBeGreaterThanOrEqual(LEAST_PODS_COMPARED);
    });
  },
);
