import { Inject, Injectable } from '@nestjs/common';
import type { ArtifactDrivers } from '#libs/artifacts';
import { Store, type StoredWorkflow } from '#libs/store';
import { podNameOfNode, type Workflow } from '#libs/workflow-spec';
import { ARTIFACT_DRIVERS, POD_LOG_SOURCE, type PodLogSource } from '../ports.js';
import type { EventStream } from '../streams/event-stream.js';
import { WorkflowReader } from '../workflows/workflow-reader.js';
import { ContainerLogReader } from './container-log.js';
import type { LogQuery } from './log-query.js';
import { isEndedNode, LoggedPods, podNodes, type SelectedLog } from './logged-pods.js';
import { type LineSource, type MergedLine, TimeMerge, type TimedLine } from './merge-by-time.js';

/** New pods of a followed workflow are looked for at least this often. */
const LOOK_INTERVAL_MS = 2_000;
/** A container that prints nothing for so long does not hold up what others print. */
const IDLE_MS = 300;
const MOST_OPEN = 200;
const MOST_FOLLOWED = 5_000;

interface LogJob {
  stream: EventStream;
  query: LogQuery;
}

/** What the lines of a log are marked with. */
interface LogLabel {
  podName: string;
  /** What `limitBytes` leaves. */
  leftBytes: number;
}

/**
 * The logs of a workflow's pods, all containers in the order of the times at which their lines were printed: from the runtime while it knows
 * the pod, from the object store otherwise. With `follow` they go on, new pods included, until the workflow has ended.
 */
@Injectable()
export class LogStreamService {
  private readonly containers: ContainerLogReader;
  private readonly pods: LoggedPods;

  constructor(
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
    @Inject(Store) private readonly store: Store,
    @Inject(POD_LOG_SOURCE) source: PodLogSource,
    @Inject(ARTIFACT_DRIVERS) artifacts: ArtifactDrivers,
  ) {
    this.containers = new ContainerLogReader({ source, objects: artifacts });
    this.pods = new LoggedPods(store);
  }

  async stream(stream: EventStream, place: { namespace: string; name: string }, query: LogQuery): Promise<void> {
    const found = await this.reader.find(place.namespace, place.name);
    stream.open();
    if (found.place === 'live' && query.follow) return this.follow({ stream, query }, found.stored);
    const workflow = await this.reader.get(found);
    const merge = new TimeMerge<LogLabel>({ idleMs: Infinity, maxOpen: MOST_OPEN, signal: stream.signal });
    const job = { stream, query: { ...query, follow: false } };
    for (const log of await this.pods.select({ workflow, isOver: () => true }, query)) merge.add(this.sourceOf(log, job));
    merge.seal();
    await send(merge, job);
  }

  private async follow(job: LogJob, stored: StoredWorkflow): Promise<void> {
    const merge = new TimeMerge<LogLabel>({ idleMs: IDLE_MS, maxOpen: MOST_FOLLOWED, signal: job.stream.signal });
    const looking = this.look(job, stored, merge).finally(() => merge.seal());
    await Promise.all([looking, send(merge, job)]);
  }

  /** Adds the logs of pods as the pods come, until nothing can follow any more; what is still read then is read to its end. */
  private async look({ stream, query }: LogJob, stored: StoredWorkflow, merge: TimeMerge<LogLabel>): Promise<void> {
    /** By node and container: the incarnation of the pod whose log was added last. */
    const added = new Map<string, number>();
    let isEnded = false;
    const view = {
      workflow: await this.reader.render(stored),
      isOver: (nodeId: string): boolean => isEnded || isEndedNode(view.workflow.status?.nodes?.[nodeId]),
    };
    while (!isEnded && !stream.signal.aborted) {
      const changed = this.store.changes.waitForChange(stored.uid, LOOK_INTERVAL_MS, stream.signal);
      const workflow = await this.reader.renderWhole(stored.uid);
      if (workflow !== undefined) view.workflow = workflow;
      for (const log of await this.pods.select(view, query)) {
        const key = `${log.nodeId} ${log.container}`;
        // Nobody has taken it yet: it is looked at again when it changes.
        if ((added.get(key) ?? -1) >= log.incarnation || (log.pod === undefined && !log.isOver())) continue;
        added.set(key, log.incarnation);
        merge.add(this.sourceOf(log, { stream, query }));
      }
      isEnded = workflow === undefined || hasEnded(workflow, query);
      if (!isEnded) await changed;
    }
    isEnded = true;
  }

  private sourceOf(log: SelectedLog, { stream, query }: LogJob): LineSource<LogLabel> {
    const { follow, tailLines, sinceMs, limitBytes = Infinity } = query;
    return {
      label: { podName: log.podName, leftBytes: limitBytes },
      notBeforeMs: log.startedAtMs,
      open: (): AsyncIterable<TimedLine[]> => this.containers.read(log, { follow, tailLines, sinceMs, signal: stream.signal }),
    };
  }
}

/** Sends lines as Argo's log entries; waits while the client does not read. */
async function send(merge: TimeMerge<LogLabel>, { stream, query }: LogJob): Promise<void> {
  for await (const lines of merge.batches()) {
    const entries = lines.flatMap((line) => {
      const content = contentOf(line, query);
      return content === undefined || !query.matches(content) ? [] : [{ result: { content, podName: line.label.podName } }];
    });
    if (!(await stream.sendAll(entries))) return;
  }
}

/** The text of a line as it is asked for; undefined where the limit of its container is used up. */
function contentOf({ atMs, text, label }: MergedLine<LogLabel>, { timestamps }: LogQuery): string | undefined {
  const whole = timestamps ? `${new Date(atMs).toISOString().replace('Z', '000000Z')} ${text}` : text;
  if (label.leftBytes === Infinity) return whole;
  if (label.leftBytes <= 0) return undefined;
  const bytes = Buffer.from(whole);
  const given = bytes.subarray(0, label.leftBytes);
  label.leftBytes -= bytes.length + 1;
  return given.length === bytes.length ? whole : given.toString('utf8');
}

/** Whether nothing can follow any more: the workflow has ended, or the one pod that is asked for. */
function hasEnded(workflow: Workflow, { podName }: LogQuery): boolean {
  if (workflow.status?.finishedAt) return true;
  if (podName === undefined) return false;
  const nodes = podNodes(workflow).filter((node) => node.id === podName || podNameOfNode(workflow, node) === podName);
  return nodes.length > 0 && nodes.every(isEndedNode);
}
