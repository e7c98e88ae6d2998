import type { Synchronization } from './synchronization.js';
import type { WorkflowStatus } from './status.js';
import type { DataTemplate, ExecutorPlugin, HttpTemplate, PluginTemplate, ResourceTemplate } from './task-templates.js';

/**
 * The wire shapes of `argoproj.io/v1alpha1`, named as in Argo v4.1 (`docs/fields.md`). Optional means "may be absent on the wire".
 * Kubernetes' own types (Container, Volume, …) are carried as written: `KubernetesObject` keeps every field.
 */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type KubernetesObject = { [key: string]: JsonValue };
export type IntOrString = number | string;

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  /** RFC 3339, seconds. */
  creationTimestamp?: string | null;
  deletionTimestamp?: string | null;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: KubernetesObject[];
  managedFields?: KubernetesObject[];
}

export interface TypedObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

export interface Workflow extends TypedObject {
  spec: WorkflowSpec;
  status?: WorkflowStatus;
}
export interface WorkflowTemplate extends TypedObject {
  spec: WorkflowSpec;
}
export type ClusterWorkflowTemplate = WorkflowTemplate;
export interface CronWorkflowSpec {
  workflowSpec: WorkflowSpec;
  workflowMetadata?: ObjectMeta;
  schedules?: string[];
  timezone?: string;
  concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace' | '';
  suspend?: boolean;
  startingDeadlineSeconds?: number;
  successfulJobsHistoryLimit?: number;
  failedJobsHistoryLimit?: number;
  stopStrategy?: { expression?: string };
  when?: string;
  /** Our own: ticks that came while nobody watched are run, oldest first; a `startingDeadlineSeconds` bounds how far back. */
  catchUp?: boolean;
  [field: string]: unknown;
}
/** Which events submit which template, and how they fill it. */
export interface WorkflowEventBinding extends TypedObject {
  spec: {
    /** An expression over `namespace`, `discriminator`, `payload` and `metadata`. */
    event?: { selector?: string };
    submit?: {
      workflowTemplateRef?: WorkflowTemplateRef;
      /** Each parameter an expression over the event; artifacts as they are. */
      arguments?: { parameters?: { name?: string; valueFrom?: { event?: string } }[]; artifacts?: Artifact[] };
      /** Name, generateName, and values of labels and annotations: expressions that give a string. */
      metadata?: ObjectMeta;
    };
  };
}

export interface CronWorkflow extends TypedObject {
  spec: CronWorkflowSpec;
  status?: KubernetesObject;
}

export interface WorkflowSpec extends WorkflowPodFields {
  entrypoint?: string;
  templates?: Template[];
  arguments?: Arguments;
  onExit?: string;
  hooks?: Record<string, LifecycleHook>;
  parallelism?: number;
  suspend?: boolean;
  shutdown?: ShutdownStrategy;
  activeDeadlineSeconds?: number;
  ttlStrategy?: TTLStrategy;
  retryStrategy?: RetryStrategy;
  metrics?: Metrics;
  workflowTemplateRef?: WorkflowTemplateRef;
  templateDefaults?: Template;
  priority?: number;
  archiveLogs?: boolean;
  artifactGC?: WorkflowLevelArtifactGC;
  artifactRepositoryRef?: { configMap?: string; key?: string };
  workflowMetadata?: {
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    labelsFrom?: Record<string, { expression: string }>;
  };
  podGC?: PodGC;
  synchronization?: Synchronization;
  /** Claims that are made for this workflow, and are volumes of all its pods under their names. */
  volumeClaimTemplates?: KubernetesObject[];
  volumeClaimGC?: { strategy?: string };
  executorPlugins?: ExecutorPlugin[];
  [field: string]: unknown;
}
export type ShutdownStrategy = 'Stop' | 'Terminate';

export interface TTLStrategy {
  secondsAfterCompletion?: number;
  secondsAfterSuccess?: number;
  secondsAfterFailure?: number;
}
export interface PodGC {
  strategy?: string;
  labelSelector?: KubernetesObject;
  deleteDelayDuration?: string;
}
export interface WorkflowTemplateRef {
  name?: string;
  clusterScope?: boolean;
}
export interface TemplateRef {
  name?: string;
  template?: string;
  clusterScope?: boolean;
}
export interface LifecycleHook {
  template?: string;
  templateRef?: TemplateRef;
  arguments?: Arguments;
  expression?: string;
}

export interface Template {
  name?: string;
  inputs?: Inputs;
  outputs?: Outputs;
  container?: Container;
  script?: ScriptTemplate;
  steps?: WorkflowStep[][];
  dag?: DAGTemplate;
  suspend?: SuspendTemplate;
  http?: HttpTemplate;
  resource?: ResourceTemplate;
  data?: DataTemplate;
  plugin?: PluginTemplate;
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  annotations?: Record<string, string>;
  retryStrategy?: RetryStrategy;
  parallelism?: number;
  synchronization?: Synchronization;
  failFast?: boolean;
  activeDeadlineSeconds?: IntOrString;
  timeout?: string;
  pendingTimeout?: string;
  memoize?: Memoize;
  metrics?: Metrics;
  daemon?: boolean;
  archiveLocation?: ArtifactLocation & { archiveLogs?: boolean };
  containerSet?: ContainerSetTemplate;
  volumes?: KubernetesObject[];
  initContainers?: UserContainer[];
  sidecars?: UserContainer[];
  podSpecPatch?: string;
  nodeSelector?: Record<string, string>;
  affinity?: KubernetesObject;
  tolerations?: KubernetesObject[];
  schedulerName?: string;
  priorityClassName?: string;
  securityContext?: KubernetesObject;
  serviceAccountName?: string;
  executor?: { serviceAccountName?: string };
  automountServiceAccountToken?: boolean;
  hostAliases?: KubernetesObject[];
  podResources?: KubernetesObject;
  resourceClaims?: KubernetesObject[];
  [field: string]: unknown;
}

/** What a workflow's spec says of all its pods; a template's own field goes before it. */
export interface WorkflowPodFields {
  volumes?: KubernetesObject[];
  podMetadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  podSpecPatch?: string;
  nodeSelector?: Record<string, string>;
  affinity?: KubernetesObject;
  tolerations?: KubernetesObject[];
  schedulerName?: string;
  podPriorityClassName?: string;
  securityContext?: KubernetesObject;
  serviceAccountName?: string;
  executor?: { serviceAccountName?: string };
  automountServiceAccountToken?: boolean;
  hostAliases?: KubernetesObject[];
  imagePullSecrets?: KubernetesObject[];
  hostNetwork?: boolean;
  dnsPolicy?: string;
  dnsConfig?: KubernetesObject;
  podResources?: KubernetesObject;
  resourceClaims?: KubernetesObject[];
}

/** A sidecar or init container; with `mirrorVolumeMounts` it has the mounts of the template's own program as well. */
export interface UserContainer extends Container {
  mirrorVolumeMounts?: boolean;
}
/** A member of a container set, and whom it waits for. */
export interface ContainerNode extends Container {
  dependencies?: string[];
}
export interface ContainerSetTemplate {
  containers?: ContainerNode[];
  /** Mounts that every member has beside its own. */
  volumeMounts?: KubernetesObject[];
  /** Restarts of a member's program inside its container. */
  retryStrategy?: { retries?: IntOrString; duration?: string };
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: KubernetesObject;
}
export interface Container {
  name?: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  envFrom?: KubernetesObject[];
  workingDir?: string;
  resources?: KubernetesObject;
  volumeMounts?: KubernetesObject[];
  imagePullPolicy?: string;
  [field: string]: unknown;
}
export interface ScriptTemplate extends Container {
  source: string;
}
export interface SuspendTemplate {
  duration?: string;
}

export interface Arguments {
  parameters?: Parameter[];
  artifacts?: Artifact[];
}
export interface Inputs {
  parameters?: Parameter[];
  artifacts?: Artifact[];
}
export interface Outputs {
  parameters?: Parameter[];
  artifacts?: Artifact[];
  result?: string;
  exitCode?: string;
}
/** `value`, `default` and `enum` accept numbers and booleans on the wire and are strings afterwards (Argo's AnyString). */
export interface Parameter {
  name: string;
  value?: string;
  default?: string;
  valueFrom?: ValueFrom;
  globalName?: string;
  enum?: string[];
  description?: string;
}
export interface ValueFrom {
  path?: string;
  jsonPath?: string;
  jqFilter?: string;
  event?: string;
  parameter?: string;
  supplied?: Record<string, never>;
  configMapKeyRef?: { name: string; key: string; optional?: boolean };
  expression?: string;
  default?: string;
}

export interface ArtifactLocation {
  s3?: KubernetesObject & { key?: string; bucket?: string };
  raw?: { data: string };
  /** Ours: the embedded default driver; `key` is relative to the repository's root folder. */
  filesystem?: { key?: string };
  http?: KubernetesObject;
  git?: KubernetesObject;
  gcs?: KubernetesObject;
  oss?: KubernetesObject;
  azure?: KubernetesObject;
  hdfs?: KubernetesObject;
  artifactory?: KubernetesObject;
  plugin?: KubernetesObject;
}
export interface Artifact extends ArtifactLocation {
  name: string;
  path?: string;
  mode?: number;
  recurseMode?: boolean;
  from?: string;
  fromExpression?: string;
  subPath?: string;
  optional?: boolean;
  globalName?: string;
  archive?: ArchiveStrategy;
  artifactGC?: ArtifactGC;
  archiveLogs?: boolean;
  deleted?: boolean;
}
export interface ArchiveStrategy {
  tar?: { compressionLevel?: number };
  none?: Record<string, never>;
  zip?: Record<string, never>;
}
export type ArtifactGCStrategy = 'OnWorkflowCompletion' | 'OnWorkflowDeletion' | 'Never';
export interface ArtifactGC {
  strategy?: ArtifactGCStrategy | '';
  podMetadata?: KubernetesObject;
  serviceAccountName?: string;
}
export interface WorkflowLevelArtifactGC extends ArtifactGC {
  forceFinalizerRemoval?: boolean;
  podSpecPatch?: string;
}

export interface RetryStrategy {
  limit?: IntOrString;
  retryPolicy?: string;
  backoff?: { duration?: string; factor?: IntOrString; maxDuration?: string; cap?: string };
  affinity?: KubernetesObject;
  expression?: string;
}
/** Where outputs are remembered. `cache.database` is ours: a table instead of a ConfigMap, without its limit of 1 MB. */
export interface Memoize {
  key?: string;
  cache?: { configMap?: { name?: string; key?: string; optional?: boolean }; database?: { name?: string } };
  /** A Go duration. */
  maxAge?: string;
}
export interface Metrics {
  prometheus?: PrometheusMetric[];
}
export interface PrometheusMetric {
  name?: string;
  help?: string;
  labels?: { key: string; value: string }[];
  when?: string;
  gauge?: { value?: string; realtime?: boolean; operation?: string };
  counter?: { value?: string };
  histogram?: { value?: string; buckets?: (number | string)[] };
}
export interface ContinueOn {
  error?: boolean;
  failed?: boolean;
}
export type Item = JsonValue;
export interface Sequence {
  count?: IntOrString;
  start?: IntOrString;
  end?: IntOrString;
  format?: string;
}
/** What a step of Steps and a task of a DAG have in common. */
export interface TemplateInvocation {
  name: string;
  template?: string;
  templateRef?: TemplateRef;
  inline?: Template;
  arguments?: Arguments;
  when?: string;
  withItems?: Item[];
  withParam?: string;
  withSequence?: Sequence;
  continueOn?: ContinueOn;
  onExit?: string;
  hooks?: Record<string, LifecycleHook>;
}
export type WorkflowStep = TemplateInvocation;
export interface DAGTask extends TemplateInvocation {
  dependencies?: string[];
  depends?: string;
}
export interface DAGTemplate {
  target?: string;
  tasks: DAGTask[];
  failFast?: boolean;
}
