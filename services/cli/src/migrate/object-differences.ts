import {
  type ControllerConfig,
  type CronWorkflowSpec,
  type Decoded,
  FinalizerName,
  LabelName,
  type WorkflowSpec,
} from '#libs/workflow-spec';
import { feltBy, feltDifferencesOf, type FeltDifference } from './felt-differences.js';
import { hasEnded } from './live-workflows.js';
import type { MigratedKind, StoredObject } from './migration-source.js';

const CRONS: readonly FeltDifference<CronWorkflowSpec>[] = [
  {
    feature: 'schedules with @every',
    difference: 'runs are counted from the last change of the schedules, not anew after each restart of the controller',
    isUsed: ({ schedules = [] }) => schedules.some((schedule) => schedule.includes('@every')),
  },
  {
    feature: 'schedules in a zone',
    difference: 'they go on when clocks change, where Argo may miss times or never fire again',
    isUsed: ({ timezone = '', schedules = [] }) =>
      !['', 'UTC', 'Etc/UTC'].includes(timezone) || schedules.some((schedule) => /^(CRON_)?TZ=/.test(schedule.trim())),
  },
  {
    feature: 'CronWorkflows without startingDeadlineSeconds',
    difference: 'a tick found up to 30 s late is on time, where a restarting controller loses it',
    isUsed: ({ startingDeadlineSeconds }) => (startingDeadlineSeconds ?? 0) === 0,
  },
];

interface UnfinishedWorkflow {
  object: StoredObject;
  spec: WorkflowSpec;
}

const isSuspended = ({ object, spec }: UnfinishedWorkflow): boolean => !hasEnded(object) && spec.suspend === true;

const WORKFLOWS: readonly FeltDifference<UnfinishedWorkflow>[] = [
  {
    feature: 'suspended workflows that are stopped',
    difference: 'they end, with exit handlers as the strategy says, where Argo waits until they are resumed',
    isUsed: (workflow) => isSuspended(workflow) && (workflow.spec.shutdown ?? '') !== '',
  },
  {
    feature: 'suspended workflows with locks',
    difference: 'they give way to others, and ask again when they are resumed',
    isUsed: (workflow) => isSuspended(workflow) && workflow.spec.synchronization !== undefined,
  },
  {
    feature: 'the finalizer of artifact garbage collection',
    difference: 'it is taken off when the rows are gone, and no new one is set',
    isUsed: ({ object }) => (object.metadata.finalizers ?? []).includes(FinalizerName.artifactGc),
  },
  {
    feature: 'labels of who created a workflow, or acted on it',
    difference: 'they stay, and new ones are not set: a token names no person',
    isUsed: ({ object: { metadata } }) =>
      [LabelName.creator, LabelName.actor].some((label) => metadata.labels?.[label] !== undefined),
  },
];

/** What its users will notice of this object beside its spec; `decoded` has old forms converted. */
export const objectDifferencesOf = (
  kind: MigratedKind,
  object: StoredObject,
  decoded: Decoded<unknown>,
  spec: WorkflowSpec,
): string[] => {
  if (kind === 'CronWorkflow') return feltBy(CRONS, (decoded.object as { spec: CronWorkflowSpec }).spec);
  return kind === 'Workflow' ? feltBy(WORKFLOWS, { object, spec }) : [];
};

const CONFIGURATIONS: readonly FeltDifference<ControllerConfig>[] = [
  {
    feature: 'workflowRestrictions',
    difference:
      'arguments may name no Secret, identity or account; open tags in values are errors; tags in a podSpecPatch are single values (WORKFLOW_USER_OVERRIDE_ALLOWLIST)',
    isUsed: ({ workflowRestrictions }) => workflowRestrictions?.templateReferencing !== undefined,
  },
  {
    feature: 'artifactRepository with Secrets',
    difference: "they may stand in the controller's namespace alone: that of a workflow is looked at first",
    isUsed: ({ artifactRepository }) => /Secret":/.test(JSON.stringify(artifactRepository ?? {})),
  },
  {
    feature: 'artifactRepository with roleARN',
    difference: "the role is asked for at Amazon, or at the store's own endpoint where that is not Amazon",
    isUsed: ({ artifactRepository }) => /"roleARN":/.test(JSON.stringify(artifactRepository ?? {})),
  },
  {
    feature: 'persistence without nodeStatusOffLoad',
    difference: 'a workflow whose nodes are too large for its object runs on, and the object has the condition NodesOmitted',
    isUsed: ({ persistence }) => persistence !== undefined && persistence.nodeStatusOffLoad !== true,
  },
];

/** What the configuration changes for its users. */
export const configurationDifferencesOf = (config: ControllerConfig): string[] => [
  ...feltBy(CONFIGURATIONS, config),
  ...feltDifferencesOf(config.workflowDefaults?.spec ?? {}).map((difference) => `workflowDefaults: ${difference}`),
];
