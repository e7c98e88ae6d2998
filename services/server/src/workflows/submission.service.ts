import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { WorkflowJob } from '#libs/jobs';
import {
  AlreadyExistsError,
  assertKubernetesFields,
  formatTime,
  LabelName,
  type ObjectMeta,
  type ReusedNodes,
  type Workflow,
} from '#libs/workflow-spec';
import { Store } from '#libs/store';
import { alreadyExists } from '../errors/errors.js';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { ObjectSubmission } from './object-submission.js';
import { WorkflowChecker } from './workflow-checker.js';
import { assertNamespace, assertObjectName, randomName, uidOfKey } from './workflow-names.js';
import { WorkflowReader } from './workflow-reader.js';

/** What is stored of a new workflow: what was asked for, and the templates that it was validated with. */
const submittedPart = (
  { metadata, spec, status }: Workflow,
  reuse: ReusedNodes = {},
): Pick<Workflow, 'metadata' | 'spec' | 'status'> & { reuse?: ReusedNodes } => ({
  metadata,
  spec,
  ...(status === undefined ? {} : { status }),
  ...(Object.keys(reuse).length === 0 ? {} : { reuse }),
});

const assertWritable = (workflow: Workflow): void => {
  const { name = '' } = workflow.metadata;
  assertObjectName('Workflow', name);
  assertKubernetesFields('Workflow', name, workflow);
};

/** How often a generated name may meet a taken one before the caller is told. */
const NAME_ATTEMPTS = 5;
/** How long a new workflow waits for the rows of a deleted one of the same name to go away. */
const DELETION_WAIT_MS = 5_000;

export interface SubmissionOptions {
  /** `client`: nothing is stored or named; `server`: as if stored. */
  dryRun?: 'client' | 'server';
  /** The same key again in the same namespace gives the workflow of the first time. */
  idempotencyKey?: string | undefined;
  /** What of an earlier run is not repeated. */
  reuse?: ReusedNodes;
}

/** Takes a workflow in: names it, validates it with the templates it refers to, stores it, and wakes the scheduler. */
@Injectable()
export class SubmissionService {
  private readonly onCluster: ObjectSubmission;

  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(WorkflowChecker) private readonly checker: WorkflowChecker,
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
  ) {
    this.onCluster = new ObjectSubmission(store, context);
  }

  /** The workflow as it is stored (or would be). Nothing is half-made: the one INSERT is the submission. */
  async submit(namespace: string, given: Workflow, options: SubmissionOptions = {}): Promise<Workflow> {
    assertNamespace(namespace);
    const workflow = this.withInstance({ ...given, metadata: { ...given.metadata, namespace } });
    const storedTemplates = await this.checker.check(workflow);
    const status: Pick<Workflow, 'status'> = Object.keys(storedTemplates).length === 0 ? {} : { status: { storedTemplates } };
    if (options.dryRun === 'client') return { metadata: workflow.metadata, spec: workflow.spec, ...status };
    const stored =
      options.dryRun === 'server' ? await this.rehearse(workflow) : await this.insert({ ...workflow, ...status }, options);
    return { ...stored, ...status };
  }

  private withInstance(workflow: Workflow): Workflow {
    const { instanceId } = this.context.config;
    if (instanceId === undefined) return workflow;
    const labels = { ...workflow.metadata.labels, [LabelName.controllerInstanceId]: instanceId };
    return { ...workflow, metadata: { ...workflow.metadata, labels } };
  }

  private identified(
    workflow: Workflow,
    uid: string,
  ): Workflow & { metadata: ObjectMeta & { name: string; namespace: string; uid: string } } {
    const { resourceVersion: _resourceVersion, managedFields: _managedFields, ...written } = workflow.metadata;
    const name = written.name || (written.generateName ? randomName(written.generateName) : '');
    assertWritable({ ...workflow, metadata: { ...written, name } });
    const metadata = {
      ...written,
      name,
      namespace: written.namespace ?? '',
      uid,
      generation: 1,
      creationTimestamp: formatTime(this.context.clock.nowMs()),
    };
    return { ...workflow, metadata };
  }

  private async rehearse(workflow: Workflow): Promise<Workflow> {
    const { metadata, spec } = this.identified(workflow, randomUUID());
    if ((await this.reader.findLive(metadata.namespace, metadata.name)) !== undefined)
      throw alreadyExists('workflows', metadata.name);
    return { metadata, spec };
  }

  private async insert(workflow: Workflow, { idempotencyKey: key, reuse }: SubmissionOptions): Promise<Workflow> {
    const { objects } = this.context;
    if (objects !== undefined)
      return this.onCluster.submit(objects, workflow, { check: assertWritable, idempotencyKey: key, reuse: reuse ?? {} });
    const namespace = workflow.metadata.namespace ?? '';
    const uid = key === undefined ? randomUUID() : uidOfKey(namespace, key);
    for (let attempt = 1; ; attempt += 1) {
      const identified = this.identified(workflow, uid);
      try {
        const outcome = await this.store.workflows.insert({
          submitted: submittedPart(identified, reuse),
          createdAtMs: this.context.clock.nowMs(),
          instanceId: this.context.config.instanceId ?? '',
        });
        // A hint may be lost after the INSERT: the scheduler's sweeper finds the row.
        await this.context.queue.wake(WorkflowJob, { workflow: uid });
        return outcome === 'inserted'
          ? { ...identified, metadata: { ...identified.metadata, resourceVersion: '1' } }
          : await this.first(uid, identified);
      } catch (error) {
        if (!(error instanceof AlreadyExistsError)) throw error;
        const isGenerated = !workflow.metadata.name;
        const mayRetry = isGenerated
          ? attempt < NAME_ATTEMPTS
          : await this.waitForDeletion(namespace, identified.metadata.name, attempt);
        if (!mayRetry) throw alreadyExists('workflows', identified.metadata.name);
      }
    }
  }

  /** What a repeated submission is answered with: the workflow of the first one. */
  private async first(uid: string, identified: Workflow): Promise<Workflow> {
    const stored = await this.store.workflows.getByUid(uid);
    return stored === undefined ? identified : this.reader.render(stored, false);
  }

  /** A deleted workflow keeps its name until its rows are gone; for callers it is gone already, so a new one of that name waits a little. */
  private async waitForDeletion(namespace: string, name: string, attempt: number): Promise<boolean> {
    const existing = await this.store.workflows.getByName(namespace, name);
    if (existing === undefined) return attempt < NAME_ATTEMPTS;
    if (existing.deletedAtMs === null || attempt > 1) return false;
    const deadlineMs = this.context.clock.nowMs() + DELETION_WAIT_MS;
    while (this.context.clock.nowMs() < deadlineMs) {
      await this.store.changes.waitForChange(existing.uid, 250);
      if ((await this.store.workflows.getByUid(existing.uid)) === undefined) return true;
    }
    return false;
  }
}
