import { isFinishedWorkflowPhase, type Workflow } from '#libs/workflow-spec';
import type { ApiClient, Query } from './api-client.js';

export interface LogEntry {
  content?: string;
  podName?: string;
}
interface WorkflowEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'ERROR';
  object: Workflow;
}
interface WorkflowList {
  items: Workflow[] | null;
  metadata?: { continue?: string };
}

const segment = encodeURIComponent;
const RECONNECT_MS = 1000;

/** The calls of the workflow service, by verb. */
export class WorkflowsApi {
  constructor(
    private readonly client: ApiClient,
    readonly namespace: string,
  ) {}

  get(name: string, query: Query = {}): Promise<Workflow> {
    return this.client.get<Workflow>(this.path(name), query);
  }

  create(workflow: Workflow, serverDryRun = false): Promise<Workflow> {
    const namespace = workflow.metadata.namespace ?? this.namespace;
    return this.client.send('POST', `/api/v1/workflows/${segment(namespace)}`, { namespace, workflow, serverDryRun });
  }

  submitFrom(resourceKind: string, resourceName: string, submitOptions: unknown): Promise<Workflow> {
    const body = { namespace: this.namespace, resourceKind, resourceName, submitOptions };
    return this.client.send('POST', `/api/v1/workflows/${segment(this.namespace)}/submit`, body);
  }

  lint(workflow: Workflow): Promise<Workflow> {
    return this.client.send('POST', `/api/v1/workflows/${segment(this.namespace)}/lint`, { namespace: this.namespace, workflow });
  }

  /** All that match, page by page. */
  async *list(query: Query, pageSize = 500): AsyncGenerator<Workflow> {
    let next: string | undefined;
    do {
      const page = await this.client.get<WorkflowList>(`/api/v1/workflows/${segment(this.namespace)}`, {
        ...query,
        'listOptions.limit': pageSize,
        'listOptions.continue': next,
      });
      yield* page.items ?? [];
      next = page.metadata?.continue || undefined;
    } while (next !== undefined);
  }

  act(name: string, action: string, body: Record<string, unknown> = {}): Promise<Workflow> {
    return this.client.send('PUT', `${this.path(name)}/${action}`, { namespace: this.namespace, name, ...body });
  }

  async delete(name: string, force = false): Promise<void> {
    await this.client.send('DELETE', this.path(name), undefined, force ? { force } : {});
  }

  logs(name: string, query: Query, signal?: AbortSignal): AsyncGenerator<LogEntry> {
    return this.client.stream<LogEntry>(`${this.path(name)}/log`, query, signal);
  }

  /**
   * The workflow as it is now and after every change until it has finished or is gone. A stream that the server ends is opened
   * again; between two streams the workflow is read, so no end is missed.
   */
  async *follow(name: string, signal?: AbortSignal): AsyncGenerator<Workflow> {
    for (;;) {
      const workflow = await this.get(name);
      yield workflow;
      if (isFinishedWorkflowPhase(workflow.status?.phase ?? '')) return;
      const query = { 'listOptions.fieldSelector': `metadata.name=${workflow.metadata.name}` };
      for await (const event of this.client.stream<WorkflowEvent>(
        `/api/v1/workflow-events/${segment(this.namespace)}`,
        query,
        signal,
      )) {
        if (event.type === 'DELETED') return;
        yield event.object;
        if (isFinishedWorkflowPhase(event.object.status?.phase ?? '')) return;
      }
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }

  private path(name: string): string {
    return `/api/v1/workflows/${segment(this.namespace)}/${segment(name)}`;
  }
}
