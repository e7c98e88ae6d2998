import { keyOf, locationOf, relocate } from '#libs/artifacts';
import type { ArtifactDeletionRepository, DeletionStrategy, NewArtifactDeletion, WorkflowGcFacts } from '#libs/store';
import type { Artifact, Clock, KubernetesObject } from '#libs/workflow-spec';

import { dueStrategies, effectiveStrategy } from './effective-strategy.js';
import { objectIdOf } from './object-identity.js';

/** Nodes read at a time, and rows written at a time: memory stays flat however many nodes a workflow has. */
const NODES_PER_PAGE = 200;
const ROWS_PER_INSERT = 500;

/** What a planner works with. `repository` is lent to artifacts that give only a key where the workflow has frozen none. */
export interface PlannerPorts {
  deletions: Pick<
    ArtifactDeletionRepository,
    'workflowFacts' | 'outputArtifactsPage' | 'isPlanned' | 'markPlanned' | 'insertMany'
  >;
  clock: Clock;
  repository: KubernetesObject | undefined;
}

/**
 * Writes a row for each output artifact whose strategy's moment has come. Reads tables only, never a store, so a bucket that is
 * away cannot hold up the deletion of a workflow. Crash points: between rows and mark, planning is done again and the rows are
 * there already.
 */
export class DeletionPlanner {
  constructor(private readonly ports: PlannerPorts) {}

  /** Does nothing where all is planned, or the workflow is not that far. Gives whether deletions of it may be due. */
  async plan(uid: string): Promise<boolean> {
    const { deletions, clock } = this.ports;
    const facts = await deletions.workflowFacts(uid);
    if (facts === undefined) return true;
    const strategies = await this.unplanned(facts);
    if (strategies.length === 0) return true;
    await this.insertRows(facts, new Set(strategies));
    let pending = false;
    for (const strategy of strategies) pending = await deletions.markPlanned(uid, strategy, clock.nowMs());
    return pending;
  }

  /** A handoff means that the workflow was finished or deleted since it was planned (a retried one finishes twice). */
  private async unplanned(facts: WorkflowGcFacts): Promise<DeletionStrategy[]> {
    const { deletions } = this.ports;
    const due = dueStrategies(facts);
    if (due.length === 0 || facts.handedOver) return due;
    const planned = await Promise.all(due.map((strategy) => deletions.isPlanned(facts.uid, strategy)));
    return due.filter((_strategy, index) => planned[index] === false);
  }

  private async insertRows(facts: WorkflowGcFacts, strategies: ReadonlySet<DeletionStrategy>): Promise<void> {
    const { deletions } = this.ports;
    let afterNodeId: string | undefined;
    for (;;) {
      const page = await deletions.outputArtifactsPage(facts.uid, {
        limit: NODES_PER_PAGE,
        ...(afterNodeId === undefined ? {} : { afterNodeId }),
      });
      const rows = page.flatMap(({ nodeId, artifacts }) =>
        artifacts.flatMap((artifact) => this.rowFor(artifact, { nodeId, facts, strategies })),
      );
      for (let start = 0; start < rows.length; start += ROWS_PER_INSERT)
        await deletions.insertMany(rows.slice(start, start + ROWS_PER_INSERT));
      afterNodeId = page.at(-1)?.nodeId;
      if (afterNodeId === undefined || page.length < NODES_PER_PAGE) return;
    }
  }

  private rowFor(
    artifact: Artifact,
    scope: { nodeId: string; facts: WorkflowGcFacts; strategies: ReadonlySet<DeletionStrategy> },
  ): NewArtifactDeletion[] {
    const { nodeId, facts, strategies } = scope;
    const strategy = effectiveStrategy(artifact, facts.artifactGC?.strategy);
    if (strategy === undefined || !strategies.has(strategy) || artifact.deleted === true) return [];
    const location = relocate(locationOf(artifact), (facts.repository as KubernetesObject | undefined) ?? this.ports.repository);
    if (keyOf(location) === undefined) return [];
    const { uid: workflowUid, name: workflowName, namespace } = facts;
    const object = { objectId: objectIdOf(location), location };
    return [
      {
        workflowUid,
        workflowName,
        namespace,
        nodeId,
        artifactName: artifact.name,
        ...object,
        strategy,
        nowMs: this.ports.clock.nowMs(),
      },
    ];
  }
}
