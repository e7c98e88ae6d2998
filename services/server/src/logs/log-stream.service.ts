import { createInterface } from 'node:readline';
import { Inject, Injectable } from '@nestjs/common';
import { ArtifactNotFoundError, type ArtifactDrivers } from '#libs/artifacts';
import { matchesLabels, Store, type PodRow, type StoredWorkflow } from '#libs/store';
import { isFulfilledPhase, LabelName, NodeType, type NodeStatus, type Workflow } from '#libs/workflow-spec';
import { artifactLocation } from '../artifacts/artifact-location.js';
import { ARTIFACT_DRIVERS, POD_LOG_SOURCE, type LoggedPod, type PodLogSource } from '../ports.js';
import type { EventStream } from '../streams/event-stream.js';
import { WorkflowReader } from '../workflows/workflow-reader.js';
import type { LogQuery } from './log-query.js';

/** New pods of a followed workflow are looked for at least this often. */
const LOOK_INTERVAL_MS = 2_000;

interface LogJob {
  stream: EventStream;
  workflow: Workflow;
  query: LogQuery;
}

/** A pod by its name, as nodes and pods give it. */
interface NamedPod {
  podName: string;
  nodeId: string;
  pod: LoggedPod | undefined;
}

/**
 * The logs of a workflow's pods: from the runtime while it knows the pod, from the archived log afterwards. One pod after the other in
 * the order in which they were made; with `follow` all at once, new pods included, until the workflow has ended.
 */
@Injectable()
export class LogStreamService {
  constructor(
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
    @Inject(Store) private readonly store: Store,
    @Inject(POD_LOG_SOURCE) private readonly source: PodLogSource,
    @Inject(ARTIFACT_DRIVERS) private readonly artifacts: ArtifactDrivers,
  ) {}

  async stream(stream: EventStream, place: { namespace: string; name: string }, query: LogQuery): Promise<void> {
    const found = await this.reader.find(place.namespace, place.name);
    stream.open();
    if (found.place === 'archive' || !query.follow) {
      const workflow = await this.reader.get(found);
      for (const pod of await this.podsOf(workflow, query)) await this.streamPod({ stream, workflow, query }, pod);
      return;
    }
    await this.follow(stream, found.stored, query);
  }

  private async follow(stream: EventStream, stored: StoredWorkflow, query: LogQuery): Promise<void> {
    const started = new Map<string, Promise<void>>();
    const problems: unknown[] = [];
    for (;;) {
      const changed = this.store.changes.waitForChange(stored.uid, LOOK_INTERVAL_MS, stream.signal);
      const workflow = await this.reader.renderWhole(stored.uid);
      if (workflow === undefined || stream.signal.aborted) break;
      for (const pod of await this.podsOf(workflow, query)) {
        // Nobody has taken it yet: it is looked at again when it changes.
        if (pod.pod === undefined && !isFulfilledPhase(workflow.status?.nodes?.[pod.nodeId]?.phase ?? 'Pending')) continue;
        if (started.has(pod.podName)) continue;
        started.set(
          pod.podName,
          this.streamPod({ stream, workflow, query }, pod).catch((error: unknown) => void problems.push(error)),
        );
      }
      if (isEnded(workflow, query)) break;
      await changed;
    }
    await Promise.all(started.values());
    if (problems.length > 0) throw problems[0];
  }

  /** Pods that the query selects, oldest first; those whose rows are gone come from the nodes. */
  private async podsOf(workflow: Workflow, query: LogQuery): Promise<NamedPod[]> {
    const rows = await this.store.pods.listOfWorkflow(workflow.metadata.uid ?? '');
    const named = new Map<string, NamedPod>();
    for (const row of rows) named.set(row.podName, { podName: row.podName, nodeId: row.key.nodeId, pod: loggedPod(row) });
    for (const node of podNodes(workflow)) {
      const isKnown = rows.some((row) => row.key.nodeId === node.id);
      if (!isKnown) named.set(node.id, { podName: node.id, nodeId: node.id, pod: undefined });
    }
    const labels = { [LabelName.workflow]: workflow.metadata.name ?? '' };
    if (!matchesLabels(query.labels, labels)) return [];
    return [...named.values()].filter(
      ({ podName, nodeId }) => query.podName === undefined || query.podName === podName || query.podName === nodeId,
    );
  }

  private async streamPod({ stream, workflow, query }: LogJob, { podName, nodeId, pod }: NamedPod): Promise<void> {
    const { container, follow, tailLines, sinceMs } = query;
    const lines =
      pod === undefined
        ? undefined
        : await this.source.lines(pod, {
            container,
            follow,
            signal: stream.signal,
            ...(tailLines === undefined ? {} : { tailLines }),
            ...(sinceMs === undefined ? {} : { sinceMs }),
          });
    const node = workflow.status?.nodes?.[nodeId];
    let isKnown = false;
    const send = async (source: AsyncIterable<{ text: string }>): Promise<void> => {
      for await (const { text } of source) {
        isKnown = true;
        if (query.matches(text) && !(await stream.send({ result: { content: text, podName } }))) return;
      }
    };
    if (lines !== undefined) await send(lines);
    // The runtime has forgotten the pod, or it is of a time before this process.
    if (!isKnown && !stream.signal.aborted) await send(this.archivedLines(workflow, node, query));
  }

  /** The log that was saved as the artifact `<container>-logs`; nothing where there is none. */
  private async *archivedLines(
    workflow: Workflow,
    node: NodeStatus | undefined,
    query: LogQuery,
  ): AsyncGenerator<{ text: string }> {
    const artifact = node?.outputs?.artifacts?.find(({ name }) => name === `${query.container}-logs`);
    if (artifact === undefined) return;
    const namespace = workflow.metadata.namespace ?? '';
    const location = artifactLocation(workflow, artifact);
    try {
      const body = await this.artifacts.driverFor(location, { namespace }).load(location);
      const tail: string[] = [];
      for await (const text of createInterface({ input: body, crlfDelay: Infinity })) {
        if (query.tailLines === undefined) yield { text };
        else if (tail.push(text) > query.tailLines) tail.shift();
      }
      for (const text of tail) yield { text };
    } catch (error) {
      if (!(error instanceof ArtifactNotFoundError)) throw error;
    }
  }
}

const podNodes = (workflow: Workflow): NodeStatus[] =>
  Object.values(workflow.status?.nodes ?? {}).filter(({ type }) => type === NodeType.Pod);

function loggedPod({ key, podName, status }: PodRow): LoggedPod | undefined {
  // Claimed only: its runtime may not know it yet.
  if (status === null || status.phase === 'Claimed') return undefined;
  return { ...key, podName, host: status.host };
}

/** Whether nothing can follow any more: the workflow has ended, or the one pod that is asked for. */
function isEnded(workflow: Workflow, query: LogQuery): boolean {
  if (workflow.status?.finishedAt) return true;
  if (query.podName === undefined) return false;
  const nodes = podNodes(workflow).filter(({ id }) => id === query.podName);
  return nodes.length > 0 && nodes.every(({ phase }) => isFulfilledPhase(phase ?? 'Pending'));
}
