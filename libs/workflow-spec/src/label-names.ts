const PREFIX = 'workflows.argoproj.io/';
const CRON_PREFIX = 'cronworkflows.argoproj.io/';

/** Label keys on workflows, pods and ConfigMaps, as in Argo v4.1 (workflow/common/common.go). */
export const LabelName = {
  phase: `${PREFIX}phase`,
  completed: `${PREFIX}completed`,
  archivingStatus: `${PREFIX}workflow-archiving-status`,
  controllerInstanceId: `${PREFIX}controller-instanceid`,
  creator: `${PREFIX}creator`,
  creatorEmail: `${PREFIX}creator-email`,
  creatorPreferredUsername: `${PREFIX}creator-preferred-username`,
  actor: `${PREFIX}actor`,
  actorEmail: `${PREFIX}actor-email`,
  actorPreferredUsername: `${PREFIX}actor-preferred-username`,
  action: `${PREFIX}action`,
  resubmittedFromWorkflow: `${PREFIX}resubmitted-from-workflow`,
  cronWorkflow: `${PREFIX}cron-workflow`,
  workflowTemplate: `${PREFIX}workflow-template`,
  clusterWorkflowTemplate: `${PREFIX}cluster-workflow-template`,
  workflowEventBinding: `${PREFIX}workflow-event-binding`,
  backfill: `${PREFIX}backfill`,
  workflow: `${PREFIX}workflow`,
  onExit: `${PREFIX}on-exit`,
  component: `${PREFIX}component`,
  artifactGcPod: `${PREFIX}artifact-gc-pod`,
  /** Of a namespace: how many workflows may run in it. */
  parallelismLimit: `${PREFIX}parallelism-limit`,
  configMapType: `${PREFIX}configmap-type`,
  reportOutputsCompleted: `${PREFIX}report-outputs-completed`,
  cronCompleted: `${CRON_PREFIX}completed`,
} as const;

/** Annotation keys on workflows, pods, templates and ServiceAccounts, as in Argo v4.1. */
export const AnnotationName = {
  nodeId: `${PREFIX}node-id`,
  nodeName: `${PREFIX}node-name`,
  nodeType: `${PREFIX}node-type`,
  nodeStartTime: `${PREFIX}node-start-time`,
  podNameFormat: `${PREFIX}pod-name-format`,
  podGcStrategy: `${PREFIX}pod-gc-strategy`,
  displayName: `${PREFIX}display-name`,
  scheduledTime: `${PREFIX}scheduled-time`,
  progress: `${PREFIX}progress`,
  killCommandPrefix: `${PREFIX}kill-cmd-`,
  traceId: `${PREFIX}trace-id`,
  /** Ours: which spec the rows of a workflow know, where a person has changed that of its object. */
  specDigest: 'argosy.dev/spec-digest',
  spanId: `${PREFIX}span-id`,
  title: `${PREFIX}title`,
  description: `${PREFIX}description`,
  defaultArtifactRepository: `${PREFIX}default-artifact-repository`,
  rbacRule: `${PREFIX}rbac-rule`,
  rbacRulePrecedence: `${PREFIX}rbac-rule-precedence`,
  serviceAccountTokenName: `${PREFIX}service-account-token.name`,
  defaultContainer: 'kubectl.kubernetes.io/default-container',
  lastUsedSchedule: `${CRON_PREFIX}last-used-schedule`,
} as const;

/** Finalizers that delay the removal of a workflow or of a pod. */
export const FinalizerName = {
  artifactGc: `${PREFIX}artifact-gc`,
  podStatus: `${PREFIX}status`,
} as const;

/** Values of the label `workflows.argoproj.io/workflow-archiving-status`; reads of the archive say Persisted. */
export const ArchivingStatus = { Pending: 'Pending', Archived: 'Archived', Persisted: 'Persisted' } as const;
export type ArchivingStatus = (typeof ArchivingStatus)[keyof typeof ArchivingStatus];

/** Values of the label `workflows.argoproj.io/configmap-type`. */
export const ConfigMapType = { Cache: 'Cache', Parameter: 'Parameter', ExecutorPlugin: 'ExecutorPlugin' } as const;

/** The API group and version of all kinds here. */
export const API_VERSION = 'argoproj.io/v1alpha1';

/** The kinds that are decoded here, by their wire names. */
export const Kind = {
  Workflow: 'Workflow',
  WorkflowTemplate: 'WorkflowTemplate',
  ClusterWorkflowTemplate: 'ClusterWorkflowTemplate',
  CronWorkflow: 'CronWorkflow',
  WorkflowEventBinding: 'WorkflowEventBinding',
  ConfigMap: 'ConfigMap',
  Secret: 'Secret',
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];
