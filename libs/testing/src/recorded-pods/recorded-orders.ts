import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { PodOrder } from '#libs/engine';
import type { KubernetesObject, NodeStatus, TypedObject, Workflow } from '#libs/workflow-spec';

import type { PlayedPod } from '../simulation/sim-pod.js';
import { runSimulated } from '../simulation/simulated-run.js';

interface Recording {
  workflow: Workflow;
  status?: { nodes?: NodeStatus[] };
  others?: TypedObject[];
}

/** A pod as the API server had it that the real controller made. */
export interface RecordedPod {
  metadata: KubernetesObject & { name: string };
  spec: KubernetesObject;
}
/** A pod of the real controller, and what our engine orders under its name. */
interface RecordedOrder {
  file: string;
  pod: RecordedPod;
  order: PodOrder;
  workflowName: string;
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

function recordingOf(conformance: string, name: string): Recording {
  const files = ['examples', 'e2e'].map((folder) => path.join(conformance, folder, `${name}.json`));
  const file = files.find(existsSync);
  if (file === undefined) throw new Error(`no recording of ${name}`);
  return readJson(file) as Recording;
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

function orderedPods(recording: Recording): Map<string, PodOrder> {
  const { metadata, spec } = recording.workflow;
  const workflow = { ...recording.workflow, metadata: { ...metadata, namespace: 'argo' }, spec };
  const run = runSimulated(workflow, {
    ...(recording.others === undefined ? {} : { others: recording.others }),
    play: replayed(recording),
    mostDecisions: 2_000,
  });
  const orders = run.commands.flatMap((command) => (command.type === 'runPod' ? [command.order] : []));
  return new Map(orders.map((order) => [order.podName, order]));
}

/** Names of the recordings with pods. */
export const recordedPodNames = (conformance: string): string[] => readdirSync(path.join(conformance, 'pods'));

/**
 * The recorded pods of a workflow with the orders of our engine, which plays the workflow again; pods that a replay does not order (they need templates or
 * actions that it has not) are left out.
 */
export function recordedOrders(conformance: string, name: string): RecordedOrder[] {
  const recording = recordingOf(conformance, name);
  const folder = path.join(conformance, 'pods', name);
  const orders = orderedPods(recording);
  return readdirSync(folder).flatMap((file) => {
    const pod = readJson(path.join(folder, file)) as RecordedPod;
    const order = orders.get(pod.metadata.name);
    return order === undefined ? [] : [{ file, pod, order, workflowName: recording.workflow.metadata.name ?? '' }];
  });
}
