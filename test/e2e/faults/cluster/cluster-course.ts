import type { Workflow } from '#libs/workflow-spec';
import { patiently } from '../../harness/patiently.js';
import type { Fault } from '../faults.js';
import { progressSince, runningWorkflows } from '../progress.js';
import type { ClusterFleet } from './cluster-fleet.js';
import { clusterWorkflow, type Shape } from './cluster-workflows.js';

const ACCEPT_LIMIT_MS = 120_000;
const END_LIMIT_MS = 240_000;
/** Ten times what it takes on a quiet machine. */
const PROGRESS_LIMIT_MS = 120_000;

/** What was submitted to a fleet, and how it goes on. */
export class ClusterCourse {
  /** Shapes by the names of their workflows. */
  readonly submitted = new Map<string, Shape>();
  private count = 0;

  constructor(
    private readonly stack: ClusterFleet,
    private readonly random: () => number,
  ) {}

  /** Submits until the server says yes or that it is there already: a client that lost the answer asks again. */
  async submit(shape: Shape, name = `w${(this.count += 1)}-${shape}`): Promise<string> {
    this.submitted.set(name, shape);
    const workflow = clusterWorkflow(shape, name, this.stack.journal);
    let said = '';
    await patiently(
      () =>
        this.stack.fleet.api.create(workflow).then(
          () => true,
          (error: Error) => {
            said = error.message;
            return /already exists/.test(said);
          },
        ),
      () => `workflow ${name} is accepted: ${said}`,
      ACCEPT_LIMIT_MS,
    );
    return name;
  }

  /**
   * One workflow of the first shape begins, then at a moment of this course's choice something breaks while one of the second is
   * submitted, and everything goes on.
   */
  async survive(fault: Fault, [before, meanwhile]: readonly [Shape, Shape], longestWaitMs: number): Promise<void> {
    const { fleet } = this.stack;
    await this.submit(before);
    await new Promise((resolve) => setTimeout(resolve, this.random() * longestWaitMs));
    const running = await runningWorkflows(fleet);
    const submission = this.submit(meanwhile);
    const sinceMs = await fault.strike(fleet);
    await submission;
    const stall = await progressSince(fleet, { workers: fault.workers, sinceMs, running, limitMs: PROGRESS_LIMIT_MS });
    console.log(
      `${fault.name}: ${running.length} workflows ran; progress after ${stall.firstMs} ms, of all after ${stall.everyMs} ms`,
    );
  }

  /** Resolves when all (or these) have ended by the tables. */
  async ended(names: readonly string[] = [...this.submitted.keys()]): Promise<void> {
    let open: unknown[] = [];
    const text = `SELECT w.name, s.phase, s.version FROM workflows w LEFT JOIN workflow_state s USING (uid)
      WHERE w.name = ANY($1) AND s.completed IS NOT TRUE`;
    await patiently(
      async () => {
        open = await this.stack.fleet.query(text, [names]).catch((error: Error) => [error.message]);
        return open.length === 0;
      },
      () => `workflows end; open: ${JSON.stringify(open)}`,
      END_LIMIT_MS,
    );
  }

  /** As the server says it. */
  get(name: string): Promise<Workflow> {
    return this.stack.fleet.api.get(name);
  }
}
