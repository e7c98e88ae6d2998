import type { Logger } from '#libs/observability';
import type { WorkflowObjectKey, WorkflowObjects } from '#libs/resources';
import { isFinishedWorkflowPhase, type KubernetesObject, UserError, type WorkflowPhase } from '#libs/workflow-spec';

/** What a commit leaves behind, as far as a budget is concerned. */
export interface BudgetChange {
  key: WorkflowObjectKey;
  /** Of the workflow; undefined or '' before it has begun. */
  phase: string | undefined;
  /** `spec.podDisruptionBudget` of what runs. */
  budget: unknown;
}

export interface BudgetKeeperPorts {
  objects: Pick<WorkflowObjects, 'makeBudget' | 'removeBudget'>;
  logger: Logger;
  /** Default 1 s, doubling to 30 s. */
  firstPauseMs?: number;
}

interface Kept {
  wanted: 'made' | 'removed';
  /** What is done, and whether something is being done. */
  done?: 'made' | 'removed' | 'refused';
  isBusy: boolean;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Keeps the PodDisruptionBudgets of workflows: each is made when its workflow runs and removed when it ends, after the commits that say so and without
 * holding them up. States of a workflow's: wanted → made → removed, or refused, which is logged.
 *
 * Crash points: a keeper that dies before it has made one leaves that to whoever commits next; one that dies before the removal leaves the budget to the
 * collector of the cluster, which removes it with the workflow object.
 */
export class BudgetKeeper {
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly ports: BudgetKeeperPorts) {}

  /** Returns at once. */
  committed({ key, phase, budget }: BudgetChange): void {
    if (budget === undefined || budget === null || typeof budget !== 'object' || !phase) return;
    const wanted = isFinishedWorkflowPhase(phase as WorkflowPhase) ? 'removed' : 'made';
    const kept = this.kept.get(key.uid) ?? { wanted, isBusy: false };
    kept.wanted = wanted;
    this.kept.set(key.uid, kept);
    if (!kept.isBusy) void this.keep(key, kept, budget as KubernetesObject);
  }

  private async keep(key: WorkflowObjectKey, kept: Kept, budget: KubernetesObject): Promise<void> {
    kept.isBusy = true;
    let pauseMs = this.ports.firstPauseMs ?? FIRST_PAUSE_MS;
    while (kept.done !== kept.wanted && !(kept.done === 'refused' && kept.wanted === 'made')) {
      const { wanted } = kept;
      try {
        await this.bring(key, wanted, budget);
        kept.done = wanted;
      } catch (error) {
        if (error instanceof UserError) kept.done = wanted === 'made' ? 'refused' : 'removed';
        this.complain(key, error);
        if (error instanceof UserError) continue;
        await new Promise<void>((resolve) => setTimeout(resolve, pauseMs).unref());
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
    kept.isBusy = false;
    if (kept.wanted === 'removed') this.kept.delete(key.uid);
  }

  private bring(key: WorkflowObjectKey, wanted: Kept['wanted'], budget: KubernetesObject): Promise<void> {
    const { objects } = this.ports;
    return wanted === 'made' ? objects.makeBudget(key, budget) : objects.removeBudget(key);
  }

  private complain({ namespace, name }: WorkflowObjectKey, error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    this.ports.logger.warn('the disruption budget of a workflow could not be kept', {
      namespace,
      workflow: name,
      error: problem,
    });
  }
}
