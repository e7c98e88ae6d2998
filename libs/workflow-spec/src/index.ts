export { type Clock } from './clock.js';
export {
  AlreadyExistsError,
  ControllerConfigError,
  DecodeError,
  FailedPreconditionError,
  GrpcCode,
  InternalApiError,
  InvalidArgumentError,
  ManifestSyntaxError,
  NotFoundError,
  NotSupportedError,
  PermanentError,
  PermissionDeniedError,
  TransientError,
  UnauthenticatedError,
  UserError,
  WorkflowInvalidError,
} from './errors.js';
export { AnnotationName, API_VERSION, ArchivingStatus, ConfigMapType, FinalizerName, Kind, LabelName } from './label-names.js';
export { isLabelledBegun, isStateAnnotation, isStateLabel } from './state-metadata.js';
export {
  isCompleted,
  isCompletedPhase,
  isDaemoned,
  isFailedOrError,
  isFailedOrErrorPhase,
  isFinishedWorkflowPhase,
  isFulfilled,
  isFulfilledPhase,
  isSucceeded,
  type NodeProgressView,
} from './phases.js';
export { isPodTemplateType, TEMPLATE_TYPES, templateTypeOf, templateTypesOf, type TemplateType } from './template-type.js';
export {
  attemptNodeName,
  claimOrderId,
  isClaimOrderId,
  childNodeName,
  displayName,
  fnv1a32,
  fnv1x32,
  hookNodeName,
  loopNodeName,
  nodeId,
  onExitNodeName,
  podName,
  stepGroupNodeName,
  utf8Bytes,
  utf8Length,
  type PodNameInput,
} from './node-names.js';
export { podNameOfNode } from './pod-name-of-node.js';
export {
  assertSupported,
  decodeClusterWorkflowTemplate,
  decodeCronWorkflow,
  decodeWorkflow,
  decodeWorkflowEventBinding,
  decodeWorkflowSpec,
  decodeWorkflowTemplate,
  type Decoded,
  type DecodeOptions,
} from './decode/decode-objects.js';
export { ManifestPlaces, type TextPlace, type ValuePath } from './manifests/manifest-places.js';
export { assertPlainValue, parseManifests, type Manifest, type ParseLimits } from './manifests/parse-manifests.js';
export {
  missingTemplates,
  templateKey,
  templateKeyId,
  type TemplateGetter,
  type TemplateKey,
} from './validate/template-source.js';
export { type ResolvedReference } from './validate/template-validator.js';
export {
  mergeArguments,
  validateWorkflow,
  validateWorkflowTemplate,
  type ValidationOptions,
  type ValidationResult,
} from './validate/validate-workflow.js';
export { validateCronWorkflow } from './validate/validate-cron-workflow.js';
export {
  resubmitted,
  retriedFromArchive,
  workflowFromCron,
  workflowFromTemplate,
  type NewRun,
  type ResubmitOptions,
  type RetryOptions,
} from './submit/new-workflows.js';
export type { ReusedNode, ReusedNodes } from './submit/reused-nodes.js';
export { applySubmitOptions, generatedName, overrideParameters, type SubmitOptions } from './submit/submit-options.js';
export { objectNameProblem } from './object-names.js';
export { formatTime, parseTime } from './times.js';
export { formatGoDuration, parseDuration, parseGoDuration } from './durations.js';
export { parseQuantity, Quantity, QuantityError, type QuantityFormat } from './quantities.js';
export { anyString, formatFloat } from './any-string.js';
export {
  artifactDriverKinds,
  artifactKeyField,
  artifactKeyOf,
  relocatedBlock,
  withoutKeyMaking,
  type ArtifactDriverKind,
} from './artifact-location.js';
export { compactJson, sortedJson } from './json-text.js';
export {
  itemDescription,
  itemFromValue,
  itemString,
  itemType,
  itemVariables,
  parseItemList,
  type ItemText,
  type ItemType,
} from './items.js';
export { NodePhase, NodeType, WorkflowPhase, type Condition, type NodeStatus, type WorkflowStatus } from './model/status.js';
export type {
  DataTemplate,
  ExecutorPlugin,
  HttpHeader,
  HttpTemplate,
  PluginTemplate,
  ResourceTemplate,
} from './model/task-templates.js';
export type {
  ArchiveStrategy,
  Arguments,
  Artifact,
  ArtifactGC,
  ArtifactGCStrategy,
  ArtifactLocation,
  ClusterWorkflowTemplate,
  Container,
  ContainerNode,
  ContainerSetTemplate,
  ContinueOn,
  CronWorkflow,
  CronWorkflowSpec,
  DAGTask,
  DAGTemplate,
  EnvVar,
  Inputs,
  IntOrString,
  Item,
  JsonValue,
  KubernetesObject,
  LifecycleHook,
  ObjectMeta,
  Outputs,
  Parameter,
  PodGC,
  Memoize,
  PrometheusMetric,
  RetryStrategy,
  ScriptTemplate,
  Sequence,
  ShutdownStrategy,
  SuspendTemplate,
  Template,
  TemplateInvocation,
  TemplateRef,
  TTLStrategy,
  TypedObject,
  ValueFrom,
  UserContainer,
  Workflow,
  WorkflowEventBinding,
  WorkflowLevelArtifactGC,
  WorkflowPodFields,
  WorkflowSpec,
  WorkflowStep,
  WorkflowTemplate,
  WorkflowTemplateRef,
} from './model/workflow.js';
export {
  type ArtifactRepositoryConfig,
  type RepositoryDriver,
  artifactRepositorySchema,
  parseArtifactRepository,
} from './controller-config/artifact-repository.js';
export { controllerConfigNotes } from './controller-config/key-effects.js';
export { parseControllerConfig } from './controller-config/parse-controller-config.js';
export { type PersistenceConfig } from './controller-config/persistence.js';
export { type ControllerConfig, type ControllerConfigKey } from './controller-config/schema.js';
export { type WorkflowDefaults } from './controller-config/workflow-defaults.js';
export type {
  MutexHolding,
  MutexRef,
  SemaphoreHolding,
  SemaphoreRef,
  Synchronization,
  SynchronizationStatus,
} from './model/synchronization.js';
export { convertLegacy, type ConvertedLegacy } from './legacy/convert-legacy.js';
export { customResourceDefinitions, type CustomResourceDefinition } from './custom-resources/custom-resources.js';
export { workflowJsonSchema } from './json-schema/json-schema.js';
export { isWorkflowSpecField } from './decode/language.js';
export { nodeMatcher } from './node-selector.js';
export { claimProblem } from './claim-rules.js';
export { assertKubernetesFields } from './validate/kubernetes-fields.js';
