import type { Artifact, ArtifactGC, Condition, Template, WorkflowSpec, WorkflowStatus } from '#libs/workflow-spec';
import type { InboxEntry } from '../contract.js';
import type { Pass } from '../pass.js';
import type { ArtifactGcReport } from './gc-report.js';

const CONDITION = 'ArtifactGCError';

const isActive = (strategy: string | undefined): boolean => strategy !== undefined && strategy !== '' && strategy !== 'Never';

const strategyOf = (gc: ArtifactGC | undefined, general: ArtifactGC | undefined): string | undefined =>
  gc?.strategy !== undefined && gc.strategy !== '' ? gc.strategy : general?.strategy;

/** Whether any output of these templates is to be deleted at some time: what it says itself, else what the workflow says (Argo v4.1, `HasArtifactGC`). */
export const collectsArtifacts = (spec: Pick<WorkflowSpec, 'artifactGC'>, templates: readonly Template[]): boolean => {
  const outputs = templates.flatMap((template): Artifact[] => template.outputs?.artifacts ?? []);
  return (
    isActive(spec.artifactGC?.strategy) || outputs.some(({ artifactGC }) => isActive(strategyOf(artifactGC, spec.artifactGC)))
  );
};

type GcStatus = { notSpecified?: boolean; strategiesProcessed?: Record<string, boolean> };

/** Status and condition after a report; the same objects where it says nothing new. */
export const afterGcReport = (status: Omit<WorkflowStatus, 'nodes'>, report: ArtifactGcReport): Omit<WorkflowStatus, 'nodes'> => {
  const known = status.artifactGCStatus as GcStatus | undefined;
  const { error } = report;
  const processed = {
    ...known?.strategiesProcessed,
    ...Object.fromEntries(report.strategies.map((strategy) => [strategy, true])),
  };
  const others = (status.conditions ?? []).filter(({ type }) => type !== CONDITION);
  const condition: Condition[] = error === undefined ? [] : [{ type: CONDITION, status: 'True', message: error }];
  const conditions = [...others, ...condition];
  const before = status.conditions?.find(({ type }) => type === CONDITION)?.message;
  const isKnown = before === error && Object.keys(processed).length === Object.keys(known?.strategiesProcessed ?? {}).length;
  return isKnown ? status : { ...status, conditions, artifactGCStatus: { strategiesProcessed: processed } };
};

/** Takes what artifact-gc reports; true where the entry was one of its own. It counts for finished workflows above all. */
export const takeGcReport = ({ state }: Pass, entry: InboxEntry): boolean => {
  if (entry.kind !== 'artifactGc') return false;
  const after = afterGcReport(state.header.status, entry.report);
  if (after === state.header.status) return true;
  state.changeHeader((header) => {
    header.status = after;
  });
  return true;
};
