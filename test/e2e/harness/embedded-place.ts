import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '#libs/observability';
import { isFinishedWorkflowPhase, type Workflow } from '#libs/workflow-spec';
import { ApiClient } from '../../../services/cli/src/client/api-client.js';
import { WorkflowsApi } from '../../../services/cli/src/client/workflows-api.js';
import { type EmbeddedStack, startEmbeddedStack } from '../../../services/cli/src/embedded/embedded-stack.js';
import { patiently } from './patiently.js';

export const NAMESPACE = 'argo';

export interface PlaceOptions {
  /** Of the folder and in the log. */
  name: string;
  runtime: 'sandbox' | 'simulated';
}

/** All services in this process, with a folder of their own that goes with them. */
export class EmbeddedPlace {
  private constructor(
    readonly folder: string,
    private readonly options: PlaceOptions,
    private stack: EmbeddedStack,
  ) {}

  static async open(options: PlaceOptions): Promise<EmbeddedPlace> {
    const folder = await mkdtemp(path.join(tmpdir(), `argosy-${options.name}-`));
    return new EmbeddedPlace(folder, options, await stackIn(folder, options));
  }

  get url(): string {
    return this.stack.url;
  }
  get client(): ApiClient {
    return new ApiClient({ baseUrl: this.url, headers: {} });
  }
  get api(): WorkflowsApi {
    return new WorkflowsApi(this.client, NAMESPACE);
  }

  get store(): EmbeddedStack['store'] {
    return this.stack.store;
  }

  /** Ends all services, the database too, and starts them on the same data. */
  async restart(whileDown = (): void => undefined): Promise<void> {
    await this.stack.stop();
    whileDown();
    this.stack = await stackIn(this.folder, this.options);
  }

  /** The workflow once it has ended. */
  async ended(name: string, limitMs: number): Promise<Workflow> {
    let workflow = await this.api.get(name);
    await patiently(
      async () => {
        workflow = await this.api.get(name);
        return isFinishedWorkflowPhase(workflow.status?.phase ?? '');
      },
      () => `${name} is ${JSON.stringify(workflow.status)}`,
      limitMs,
    );
    return workflow;
  }

  async close(): Promise<void> {
    await this.stack.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const stackIn = (folder: string, { name, runtime }: PlaceOptions): Promise<EmbeddedStack> =>
  startEmbeddedStack({
    dataDir: path.join(folder, 'data'),
    runtime,
    port: 0,
    queuesWrite: false,
    logger: createLogger({ program: name, level: 'error', format: 'text' }),
  });
