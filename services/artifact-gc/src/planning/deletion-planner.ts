import { keyOf, locationOf, relocate } from '#libs/artifacts';
import type { CredentialNamespaces } from '#libs/program';
import type { ArtifactDeletionRepository, DeletionStrategy, NewArtifactDeletion, WorkflowGcFacts } from '#libs/store';
import type { Artifact, ArtifactLocation, Clock, KubernetesObject } from '#libs/workflow-spec';

import { dueStrategies, effectiveStrategy } from './effective-strategy.js';
import { logSegmentsOf } from './log-segments.js';
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
  credentials: Pick<CredentialNamespaces, 'lenderOf'>;
}

/**
 * Writes a row for each output artifact whose strategy's moment has come. Reads tables only, never a store, so a bucket that is
 * away cannot hold up the deletion of a workflow. Crash points: between rows and mark, planning is done again and the rows are
 * there already.
 */
export class DeletionPlanner {
  constructor(private readonly ports: PlannerPorts) {}

  /** Does nothing where all is planned, or the workflow is not that far. `isPending`: deletions of it may be due; `facts` absent: it is gone. */
  async plan(uid: string): Promise<{ facts: WorkflowGcFacts | undefined; isPending: boolean }> {
    const { deletions, clock } = this.ports;
    const facts = await deletions.workflowFacts(uid);
    if (facts === undefined) return { facts, isPending: true };
    const strategies = await this.unplanned(facts);
    if (strategies.length === 0) return { facts, isPending: true };
    await this.insertRows(facts, new Set(strategies));
    let isPending = false;
    for (const strategy of strategies) isPending = await deletions.markPlanned(uid, strategy, clock.nowMs());
    return { facts, isPending };
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
    const repository = facts.repositoryRef?.artifactRepository as KubernetesObject | undefined;
    const location = relocate(locationOf(artifact), repository ?? this.ports.repository);
    if (keyOf(location) === undefined) return [];
    const { uid: workflowUid, name: workflowName, namespace } = facts;
    const rowAt = (artifactName: string, place: ArtifactLocation): NewArtifactDeletion => ({
      ...{ workflowUid, workflowName, namespace, nodeId, artifactName, strategy },
      ...{ objectId: objectIdOf(place), location: place, parentId: null, nowMs: this.ports.clock.nowMs() },
      giveUp: facts.artifactGC?.forceFinalizerRemoval === true,
      lenderNamespace: this.ports.credentials.lenderOf(place, facts.repositoryRef),
    });
    const segments = logSegmentsOf(artifact, location);
    return [rowAt(artifact.name, location), ...(segments === undefined ? [] : [rowAt(`${artifact.name}.segments`, segments)])];
  }
}
