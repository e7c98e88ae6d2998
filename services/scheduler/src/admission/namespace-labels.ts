import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { WorkflowObjects } from '#libs/resources';
import { LabelName, PermissionDeniedError, TransientError } from '#libs/workflow-spec';

export interface NamespaceLabelsOptions {
  objects: Pick<WorkflowObjects, 'namespaceLabels'>;
  logger: Logger;
  intervalMs: number;
}

const LIMIT = /^\d{1,9}$/;

/**
 * Argo's label of namespaces that limits how many workflows run in them, as it was a short while ago. States: *unknown* until the first look
 * (work waits, so that none begins beyond a limit); *known*: while the cluster is away the last limits stay.
 */
export class NamespaceLabels {
  readonly timer: PeriodicTask;
  private limits: Readonly<Record<string, number>> | undefined;
  private problem = '';

  constructor(private readonly options: NamespaceLabelsOptions) {
    const { intervalMs, logger } = options;
    this.timer = new PeriodicTask({ name: 'namespace labels', intervalMs, logger, run: () => this.look(), atStart: true });
  }

  /** By namespace; 0: no limit. */
  current(): Readonly<Record<string, number>> {
    return this.limits ?? {};
  }

  /** Rejects with TransientError as long as the limits are not known. */
  async known(): Promise<void> {
    if (this.limits === undefined) await this.timer.run();
    if (this.limits === undefined) throw new TransientError('the labels of namespaces are not known yet');
  }

  private async look(): Promise<void> {
    const labels = await this.options.objects.namespaceLabels(LabelName.parallelismLimit).catch((error: unknown) => {
      if (!(error instanceof PermissionDeniedError)) throw error;
      this.warn(error.message);
      return undefined;
    });
    const entries = Object.entries(labels ?? {});
    const wrong = entries.filter(([, value]) => !LIMIT.test(value)).map(([namespace, value]) => `${namespace}: "${value}"`);
    if (labels !== undefined) this.warn(wrong.length === 0 ? '' : `not a number: ${wrong.join(', ')}`);
    const readable = entries.filter(([, value]) => LIMIT.test(value));
    this.limits = Object.fromEntries(readable.map(([namespace, value]) => [namespace, Number(value)]));
  }

  /** The same problem once. */
  private warn(problem: string): void {
    if (problem !== '' && problem !== this.problem)
      this.options.logger.warn('a limit of running workflows on namespaces has no effect', {
        label: LabelName.parallelismLimit,
        problem,
      });
    this.problem = problem;
  }
}
