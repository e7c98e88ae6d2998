import { renderWorkflow, type WorkflowRequest } from '#libs/engine';
import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { controlsOf, type WorkflowControls, type WorkflowObject, type WorkflowObjects } from '#libs/resources';
import type { RequestRepository, StoredWorkflow, WorkflowStateRepository } from '#libs/store';
import {
  type Clock,
  isFinishedWorkflowPhase,
  LabelName,
  type NodeStatus,
  UserError,
  type WorkflowSpec,
} from '#libs/workflow-spec';
import { requestIdOf, requestsOf } from './object-controls.js';
import { readTtl, ttlIdOf, ttlText } from './object-ttl.js';
import { metadataDigest, relabelIdOf } from './object-metadata.js';
import { foundStatusOf, restateIdOf } from './object-status.js';
import { editIdOf, knownDigestOf, readWorkflow, specDigest, specTextDigest } from './object-spec.js';

/** What is known of the object of a workflow that was taken in. */
export interface KnownObject {
  /** What it said about running at all when it was taken in. */
  controls: WorkflowControls;
  /** Digest of the spec that the rows know, or have been asked to take. */
  spec: string;
  /** `spec.ttlStrategy` as the rows know it, or have been asked to take it. */
  ttl: string;
  /** The same for labels and annotations; '' where that is not known. */
  metadata: string;
  /** The object as it was looked at last; undefined where it was not yet. */
  seen: ObjectSight | undefined;
  /** Somebody else runs it too, and that was said. */
  isShared?: true;
}

interface ObjectSight {
  resourceVersion: string;
  generation: number | undefined;
  writtenOver: string | undefined;
  spec: string;
  hasStatus: boolean;
}

/** What edits are asked through. */
export interface ObjectEditsPorts {
  objects: Pick<WorkflowObjects, 'tell'>;
  /** Which installation this is. */
  installation: () => Promise<string>;
  requests: Pick<RequestRepository, 'insert'>;
  states: Pick<WorkflowStateRepository, 'loadHeaders'>;
  /** The nodes of an object that has its whole status; undefined where they cannot be read, or not now. */
  nodesOf: (object: WorkflowObject) => Promise<Record<string, NodeStatus> | undefined>;
  queue: Pick<JobQueue, 'wake'>;
  clock: Clock;
  logger: Logger;
}

/**
 * What a person changes in the object of a workflow becomes a request in its inbox. Most events of an object are echoes of our own
 * projections, so the spec, which may be large, is looked at as seldom as can be: not where the object is the one that was looked at last with
 * nothing but a projection over it, and not where its generation is the same.
 */
export class ObjectEdits {
  constructor(private readonly ports: ObjectEditsPorts) {}

  /** What is known of an object whose rows were just made of it: `spec` is as they have it. */
  knownAs(object: WorkflowObject, spec: WorkflowSpec): KnownObject {
    return {
      controls: object.controls,
      spec: specDigest(spec),
      ttl: ttlText(object.workflow.spec.ttlStrategy),
      metadata: metadataDigest(object.workflow.metadata),
      seen: seenOf(object, specTextDigest(object.workflow.spec)),
    };
  }

  /** What rows that are there know of their object. */
  async knownBy({ uid, submitted }: Pick<StoredWorkflow, 'uid' | 'submitted'>, object: WorkflowObject): Promise<KnownObject> {
    const { spec } = submitted;
    const known = {
      controls: controlsOf(spec),
      spec: knownDigestOf(object, spec),
      ttl: ttlText(spec.ttlStrategy),
      seen: undefined,
    };
    const metadata = metadataDigest(submitted.metadata);
    if (metadata === metadataDigest(object.workflow.metadata)) return { ...known, metadata };
    const [state] = await this.ports.states.loadHeaders([uid]);
    const shown = state && renderWorkflow(state.submitted, state.header, []);
    return { ...known, metadata: shown === undefined ? '' : metadataDigest(shown.metadata) };
  }

  /** Asks for what has changed. `isNext`: nothing happened to the object since it was looked at that was not seen. */
  async take(object: WorkflowObject, known: KnownObject, isNext: boolean): Promise<void> {
    await this.askForControls(object, object.knownControls ?? known.controls);
    await this.tellWhereShared(object, known);
    const { seen } = known;
    const metadata = metadataDigest(object.workflow.metadata);
    if (seen !== undefined && isNext && object.writtenOver === seen.resourceVersion) {
      known.metadata = metadata;
      known.seen = seenOf(object, seen.spec);
      return;
    }
    if (metadata !== known.metadata) await this.askForMetadata(object);
    known.metadata = metadata;
    if (object.isStatusEdited || (seen?.hasStatus === true && !object.hasStatus)) await this.askForStatus(object);
    const isSameSpec = seen !== undefined && seen.generation !== undefined && seen.generation === object.generation;
    known.seen = seenOf(object, isSameSpec ? seen.spec : await this.askForSpec(object, known));
  }

  /**
   * Another installation that takes in the same objects runs the same workflows: its projections are met here. What it wrote before this one
   * has looked is no sign of that, as it may have gone.
   */
  private async tellWhereShared({ key, installation, writtenOver }: WorkflowObject, known: KnownObject): Promise<void> {
    const isNews = known.seen !== undefined && known.seen.writtenOver !== writtenOver && known.isShared === undefined;
    if (!isNews || installation === undefined || installation === (await this.ports.installation())) return;
    const { objects, logger, clock } = this.ports;
    const reason = 'WorkflowRunTwice';
    const message = 'another installation runs this workflow too: each needs an INSTANCE_ID or a MANAGED_NAMESPACE of its own';
    known.isShared = true;
    logger.warn(message, { ...key, reason, installation });
    await objects.tell({ key, type: 'Warning', reason, message, occasion: reason }, clock.nowMs());
  }

  private async askForControls(object: WorkflowObject, known: WorkflowControls): Promise<void> {
    for (const request of requestsOf(object.controls, known)) await this.ask(object, requestIdOf(object, request), request);
  }

  /** A status that somebody else has written, or taken off, is not kept, but may ask for something. */
  private async askForStatus(object: WorkflowObject): Promise<void> {
    const [state] = await this.ports.states.loadHeaders([object.key.uid]);
    const nodes = (await this.ports.nodesOf(object)) ?? {};
    const found = foundStatusOf(object, nodes, isFinishedWorkflowPhase(state?.header?.status.phase));
    await this.ask(object, restateIdOf(object), { type: 'restate', found });
  }

  private askForMetadata(object: WorkflowObject): Promise<void> {
    const { labels = {}, annotations = {} } = object.workflow.metadata;
    return this.ask(object, relabelIdOf(object), { type: 'relabel', labels, annotations });
  }

  /**
   * A spec that is not the one that the rows know was written by a person. What has ended, or runs a template's spec, takes notice of its TTL alone. Gives
   * what tells the spec from others that are looked at later.
   */
  private async askForSpec(object: WorkflowObject, known: KnownObject): Promise<string> {
    const { spec, metadata } = object.workflow;
    const seen = known.seen?.spec ?? '';
    if (metadata.labels?.[LabelName.completed] === 'true' || spec.workflowTemplateRef !== undefined) {
      await this.askForTtl(object, known);
      return seen;
    }
    const text = specTextDigest(spec);
    if (text === seen) return seen;
    const edited = this.readableSpec(object);
    if (edited === undefined) return text;
    const digest = specDigest(edited);
    if (digest === known.spec) return text;
    await this.ask(object, editIdOf(object, digest), { type: 'edit', spec: edited, digest });
    known.spec = digest;
    return text;
  }

  private async askForTtl(object: WorkflowObject, known: KnownObject): Promise<void> {
    const { ttlStrategy } = object.workflow.spec;
    const text = ttlText(ttlStrategy);
    if (text === known.ttl) return;
    known.ttl = text;
    const strategy = readTtl(ttlStrategy);
    if (strategy !== undefined) return this.ask(object, ttlIdOf(object), { type: 'ttl', strategy });
    this.ports.logger.warn('spec.ttlStrategy cannot be read, and stays as it was', { ...object.key });
  }

  /** The spec in our words; undefined where it cannot be read: the workflow then goes on with the one before. */
  private readableSpec({ key, workflow }: WorkflowObject): WorkflowSpec | undefined {
    try {
      return readWorkflow(workflow).spec;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.ports.logger.warn('a changed workflow cannot be read, and goes on as it was', { ...key, problem: error.message });
      return undefined;
    }
  }

  private async ask({ key: { uid } }: WorkflowObject, requestId: string, request: WorkflowRequest): Promise<void> {
    const { requests, queue, clock } = this.ports;
    if (await requests.insert({ requestId, workflow: uid, request }, clock.nowMs()))
      await queue.wake(WorkflowJob, { workflow: uid });
  }
}

const seenOf = (object: WorkflowObject, spec: string): ObjectSight => {
  const { resourceVersion, generation, writtenOver, hasStatus } = object;
  return { resourceVersion, generation, writtenOver, spec, hasStatus };
};
