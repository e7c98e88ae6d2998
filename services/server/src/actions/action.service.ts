import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { RequestOutcome, WorkflowRequest } from '#libs/engine';
import { WorkflowJob } from '#libs/jobs';
import { Store, type StoredWorkflow } from '#libs/store';
import type { Workflow } from '#libs/workflow-spec';
import { ApiError, notFound } from '../errors/errors.js';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { WorkflowReader } from '../workflows/workflow-reader.js';

/**
 * Asks the scheduler to act on a workflow and waits for what became of it. The request is a row: a lost hint, a crash of this process
 * or a repeated request (same id) changes nothing; after the time is up the caller gets 504 and may ask again under the same id.
 */
@Injectable()
export class ActionService {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
  ) {}

  /** The workflow after the request took effect; the engine's refusal as an ApiError. */
  async act(namespace: string, name: string, request: WorkflowRequest, key?: string): Promise<Workflow> {
    const stored = await this.liveWorkflow(namespace, name);
    const { snapshot } = await this.request(stored, this.signed(request), key);
    return snapshot === undefined ? this.reader.render(stored) : this.reader.renderSnapshot(stored, snapshot);
  }

  async delete(namespace: string, name: string, force: boolean): Promise<void> {
    const stored = await this.reader.findLive(namespace, name);
    if (stored === undefined) throw notFound('workflows', name);
    await this.request(stored, { type: 'delete', ...(force ? { force } : {}) });
  }

  /** With the name of who acts, where the kind of request shows it. */
  private signed(request: WorkflowRequest): WorkflowRequest {
    const user = this.context.config.serviceAccount;
    const isShown = request.type === 'resume' || request.type === 'stop' || request.type === 'set';
    return user === undefined || !isShown || request.user !== undefined ? request : { ...request, user };
  }

  private async liveWorkflow(namespace: string, name: string): Promise<StoredWorkflow> {
    const found = await this.reader.find(namespace, name);
    if (found.place === 'live') return found.stored;
    throw notFound('workflows', name);
  }

  private async request(stored: StoredWorkflow, request: WorkflowRequest, key?: string): Promise<RequestOutcome> {
    const requestId = `${stored.uid}/${request.type}/${key ?? randomUUID()}`;
    await this.store.requests.insert({ requestId, workflow: stored.uid, request }, this.context.clock.nowMs());
    await this.context.queue.wake(WorkflowJob, { workflow: stored.uid });
    const outcome = await this.store.requests.waitForOutcome(
      { requestId, workflow: stored.uid },
      this.context.config.actionTimeoutMs,
    );
    if (outcome === undefined) {
      throw new ApiError(
        4,
        `the request is stored, but no scheduler has answered it within ${this.context.config.actionTimeoutMs} ms`,
      );
    }
    if (!outcome.ok) throw new ApiError(outcome.grpcCode ?? 13, outcome.message ?? 'the request was refused');
    return outcome;
  }
}
