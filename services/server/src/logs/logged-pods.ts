import type { LogPlace } from '#libs/execution';
import { matchesLabels, type LogShipment, type PodRow, type Store } from '#libs/store';
import {
  isFulfilledPhase,
  LabelName,
  NodeType,
  parseTime,
  podNameOfNode,
  type NodeStatus,
  type Template,
  type Workflow,
} from '#libs/workflow-spec';
import { artifactLocation } from '../artifacts/artifact-location.js';
import type { LoggedPod } from '../ports.js';
import type { ContainerLog } from './container-log.js';
import { ALL_CONTAINERS, type LogQuery } from './log-query.js';

const MAIN = 'main';
const LOGS = '-logs';

/** The log of a container of a pod that a query selects. */
export interface SelectedLog extends ContainerLog {
  podName: string;
  nodeId: string;
  /** 0 where it is not known. */
  incarnation: number;
}

/** A pod by its name, as nodes and pods give it. */
interface NamedPod {
  podName: string;
  node: NodeStatus | undefined;
  nodeId: string;
  incarnation: number;
  row: PodRow | undefined;
}

/** A workflow as it is known now: who follows it replaces it. */
export interface WorkflowView {
  workflow: Workflow;
  /** Whether nothing of a node comes any more. */
  isOver: (nodeId: string) => boolean;
}

/** Finds the logs that a query selects, in the order in which their pods were made. */
export class LoggedPods {
  constructor(private readonly store: Store) {}

  async select(view: WorkflowView, query: LogQuery): Promise<SelectedLog[]> {
    const { workflow } = view;
    const pods = (await this.podsOf(workflow, query)).filter(
      ({ podName, nodeId }) => query.podName === undefined || query.podName === podName || query.podName === nodeId,
    );
    const selected: SelectedLog[] = [];
    for (const pod of pods) {
      if (!(await this.hasLabels(pod, workflow, query))) continue;
      const { podName, nodeId, node, row, incarnation } = pod;
      for (const container of containersOf(pod, workflow, query))
        selected.push({
          podName,
          nodeId,
          incarnation,
          container,
          pod: row === undefined ? undefined : loggedPod(row),
          place: () => this.placeOf(view.workflow, pod, container),
          startedAtMs: row?.createdAtMs ?? timeOf(node?.startedAt),
          isOver: () => view.isOver(nodeId),
        });
    }
    return selected;
  }

  /** One pod for each node: the latest, or with `previous` the one before it. Those whose rows are gone come from the nodes. */
  private async podsOf(workflow: Workflow, { previous }: LogQuery): Promise<NamedPod[]> {
    const rows = await this.store.pods.listOfWorkflow(workflow.metadata.uid ?? '');
    const byNode = new Map<string, PodRow[]>();
    for (const row of rows) byNode.set(row.key.nodeId, [...(byNode.get(row.key.nodeId) ?? []), row]);
    const nodes = workflow.status?.nodes ?? {};
    const pods: NamedPod[] = [];
    for (const [nodeId, incarnations] of byNode) {
      const sorted = incarnations.sort((left, right) => left.key.incarnation - right.key.incarnation);
      const row = sorted.at(previous ? -2 : -1);
      if (row !== undefined)
        pods.push({ podName: row.podName, nodeId, node: nodes[nodeId], incarnation: row.key.incarnation, row });
    }
    if (previous) return pods;
    for (const node of podNodes(workflow)) {
      if (byNode.has(node.id)) continue;
      pods.push({ podName: podNameOfNode(workflow, node), nodeId: node.id, node, incarnation: 0, row: undefined });
    }
    return pods.sort((left, right) => startOf(left) - startOf(right));
  }

  /** Where a log is kept: as the outputs of the node say, or what the pod-managers note of one that is under way. */
  private async placeOf(workflow: Workflow, { nodeId, incarnation }: NamedPod, container: string): Promise<LogPlace | undefined> {
    const node = workflow.status?.nodes?.[nodeId];
    const workflowUid = workflow.metadata.uid ?? '';
    const place = { workflowUid, nodeId, namespace: workflow.metadata.namespace ?? '' };
    const artifact = node?.outputs?.artifacts?.find(({ name }) => name === `${container}${LOGS}`);
    if (artifact !== undefined && artifact.deleted !== true)
      return { ...place, incarnation, location: artifactLocation(workflow, artifact) };
    const shipments = await this.store.logShipments.ofWorkflow(workflowUid);
    const shipped = shipments.filter(
      (each) => each.key.nodeId === nodeId && (incarnation === 0 || each.key.incarnation === incarnation),
    );
    const found = shipped.at(-1);
    const log = found?.logs.find((each) => each.container === container);
    return found === undefined || log === undefined ? undefined : shipmentPlace(found, log.location);
  }

  private async hasLabels({ row, node }: NamedPod, workflow: Workflow, { labels }: LogQuery): Promise<boolean> {
    if (labels.length === 0) return true;
    const manifest = row === undefined ? undefined : await this.store.pods.getManifest(row.key);
    const written = { ...workflow.spec.podMetadata?.labels, ...templateOf(workflow, node)?.metadata?.labels };
    const own = { ...(manifest?.metadata.labels ?? written), [LabelName.workflow]: workflow.metadata.name ?? '' };
    return matchesLabels(labels, own);
  }
}

/** The place of a log that is under way. */
function shipmentPlace({ key, namespace }: LogShipment, location: LogPlace['location']): LogPlace {
  return { ...key, namespace, location };
}

/** The workflow's pods among its nodes. */
export const podNodes = (workflow: Workflow): NodeStatus[] =>
  Object.values(workflow.status?.nodes ?? {}).filter(({ type }) => type === NodeType.Pod);

/** Whether nothing of a node comes any more. */
export const isEndedNode = (node: NodeStatus | undefined): boolean => isFulfilledPhase(node?.phase ?? 'Pending');

const startOf = ({ row, node }: NamedPod): number => row?.createdAtMs ?? timeOf(node?.startedAt);

const timeOf = (text: string | null | undefined): number => (text ? parseTime(text) : 0);

function loggedPod({ key, podName, status }: PodRow): LoggedPod | undefined {
  // Claimed only: its runtime may not know it yet. Deleted: it knows it no more.
  if (status === null || status.phase === 'Claimed' || status.deletedAtMs !== null) return undefined;
  return { ...key, podName, host: status.host };
}

function containersOf({ node }: NamedPod, workflow: Workflow, { containers }: LogQuery): string[] {
  if (containers !== undefined && !containers.includes(ALL_CONTAINERS)) return containers;
  const members = templateOf(workflow, node)?.containerSet?.containers?.map(({ name }) => name ?? '') ?? [];
  const kept = (node?.outputs?.artifacts ?? []).flatMap(({ name }) => (name.endsWith(LOGS) ? [name.slice(0, -LOGS.length)] : []));
  const known = members.length > 0 ? members : kept.length > 0 ? kept : [MAIN];
  return containers === undefined && known.includes(MAIN) ? [MAIN] : known;
}

/** The template of a node by its name alone: enough to know what containers it has. */
function templateOf(workflow: Workflow, node: NodeStatus | undefined): Template | undefined {
  const name = node?.templateRef?.template ?? node?.templateName;
  const { storedTemplates = {}, storedWorkflowTemplateSpec } = workflow.status ?? {};
  const templates = [
    ...(workflow.spec.templates ?? []),
    ...(storedWorkflowTemplateSpec?.templates ?? []),
    ...Object.values(storedTemplates),
  ];
  return templates.find((template) => template.name === name);
}
