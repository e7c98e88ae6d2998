import type { WorkflowObjectKey, WorkflowObjects } from '#libs/resources';
import type { WorkflowRepository } from '#libs/store';

/** Removals in progress whose object was withdrawn by this process. */
const MOST_REMEMBERED = 5_000;

/**
 * Takes the object of a workflow that is being removed off the cluster: first the object, which its pods go with, and, when the last row has
 * gone, the finalizers that Argo or we have set. Both may be done twice.
 */
export class ObjectWithdrawal {
  private readonly withdrawn = new Map<string, WorkflowObjectKey | undefined>();

  constructor(
    private readonly workflows: Pick<WorkflowRepository, 'getByUid'>,
    private readonly objects: Pick<WorkflowObjects, 'delete' | 'release'>,
  ) {}

  /** At the beginning and at every later look at a removal. */
  async begin(uid: string): Promise<void> {
    if (this.withdrawn.has(uid)) return;
    const stored = await this.workflows.getByUid(uid);
    const key = stored && { uid, namespace: stored.namespace, name: stored.name };
    if (key !== undefined) await this.objects.delete(key);
    this.withdrawn.set(uid, key);
    for (const oldest of this.withdrawn.keys()) {
      if (this.withdrawn.size <= MOST_REMEMBERED) break;
      this.withdrawn.delete(oldest);
    }
  }

  /** Nothing waits for the object any more. */
  async end(uid: string): Promise<void> {
    const key = this.withdrawn.get(uid);
    this.withdrawn.delete(uid);
    if (key !== undefined) await this.objects.release(key);
  }
}
