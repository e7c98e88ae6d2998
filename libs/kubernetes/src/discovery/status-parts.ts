import { KubernetesNotFoundError } from '../errors.js';
import type { ApiRequest } from '../request/exchange.js';

/** The server's list of what a group offers in one version: `workflows`, and `workflows/status` where that is a part of its own. */
interface ResourceList {
  resources: { name: string }[];
}

/** Definitions change seldom. */
const BELIEVED_MS = 60_000;

/**
 * Which kinds of a group have the subresource `status`: the server drops their status, without a word, from what is written with the object,
 * and takes it from the subresource alone. One request, believed for a minute.
 */
export class StatusParts {
  private known: { atMs: number; names: Promise<ReadonlySet<string>> } | undefined;

  /** `apiVersion`: group and version, such as `argoproj.io/v1alpha1`. */
  constructor(
    private readonly api: { request<T>(request: ApiRequest): Promise<T> },
    private readonly apiVersion: string,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Whether the kind with this plural is one. False where the server does not have it at all. */
  async has(plural: string): Promise<boolean> {
    const nowMs = this.nowMs();
    if (this.known === undefined || nowMs - this.known.atMs > BELIEVED_MS) this.known = { atMs: nowMs, names: this.read() };
    const asked = this.known;
    try {
      return (await asked.names).has(`${plural}/status`);
    } catch (error) {
      if (this.known === asked) this.known = undefined;
      throw error;
    }
  }

  private async read(): Promise<ReadonlySet<string>> {
    try {
      const { resources } = await this.api.request<ResourceList>({ method: 'GET', path: `/apis/${this.apiVersion}` });
      return new Set(resources.map(({ name }) => name));
    } catch (error) {
      if (error instanceof KubernetesNotFoundError) return new Set();
      throw error;
    }
  }
}
