import { z } from 'zod';
import { artifactRepositorySchema } from './artifact-repository.js';
import { goDuration, persistenceSchema, synchronizationSchema } from './persistence.js';
import { secretSelector } from './secret-selector.js';
import { workflowDefaultsSchema } from './workflow-defaults.js';

const limit = z.int().min(0);
const flag = z.boolean().optional();
const text = z.string().optional();
/** A part of a pod in Kubernetes' words; it is checked where pods are built. */
const fragment = z.record(z.string(), z.json());

const link = z.strictObject({
  name: z.string(),
  scope: z.enum(['workflow', 'workflow-list', 'pod', 'pod-logs', 'event-source-logs', 'sensor-logs', 'chat']),
  url: z.string(),
  target: text,
});
const column = z.strictObject({ name: z.string(), type: z.enum(['label', 'annotation']), key: z.string() });

const metrics = z.strictObject({
  enabled: flag,
  disableLegacy: flag,
  path: text,
  port: z.int().min(0).max(65_535).optional(),
  metricsTTL: text,
  ignoreErrors: flag,
  secure: flag,
  temporality: text,
  modifiers: z.record(z.string(), z.json()).optional(),
});

const sso = z.strictObject({
  issuer: text,
  issuerAlias: text,
  clientId: secretSelector.optional(),
  clientSecret: secretSelector.optional(),
  redirectUrl: text,
  rbac: z.strictObject({ enabled: flag }).optional(),
  scopes: z.array(z.string()).optional(),
  sessionExpiry: goDuration.optional(),
  customGroupClaimName: text,
  userInfoPath: text,
  insecureSkipVerify: flag,
  filterGroupsRegex: z.array(z.string()).optional(),
  rootCA: text,
});

/**
 * Every key of Argo's `workflow-controller-configmap` (v4.1). Durations become milliseconds, the artifact repository and the
 * workflow defaults their own types; all else keeps its written shape.
 */
export const controllerConfigSchema = z.strictObject({
  namespace: text,
  instanceID: text,
  kubeConfig: fragment.optional(),

  executor: fragment.optional(),
  mainContainer: fragment.optional(),
  images: z
    .record(z.string(), z.strictObject({ entrypoint: z.array(z.string()).optional(), cmd: z.array(z.string()).optional() }))
    .optional(),
  initlessPod: z.strictObject({ enabled: flag }).optional(),
  artifactDrivers: z
    .array(z.strictObject({ name: z.string(), image: z.string(), connectionTimeoutSeconds: z.int().optional() }))
    .optional(),
  failedPodRestart: z.strictObject({ enabled: flag, maxRestarts: limit.optional() }).optional(),
  disableAgentPodCreation: flag,
  podSpecLogStrategy: z.strictObject({ failedPod: flag, allPods: flag }).optional(),

  workflowDefaults: workflowDefaultsSchema.optional(),
  workflowRestrictions: z.strictObject({ templateReferencing: z.enum(['Strict', 'Secure']).optional() }).optional(),
  parallelism: limit.optional(),
  namespaceParallelism: limit.optional(),
  resourceRateLimit: z.strictObject({ limit: z.number().min(0), burst: limit }).optional(),
  initialDelay: goDuration.optional(),
  retentionPolicy: z
    .strictObject({ completed: limit.optional(), failed: limit.optional(), errored: limit.optional() })
    .optional(),
  podGCGracePeriodSeconds: limit.optional(),
  podGCDeleteDelayDuration: goDuration.optional(),

  artifactRepository: artifactRepositorySchema.optional(),
  persistence: persistenceSchema.optional(),
  synchronization: synchronizationSchema.optional(),

  metricsConfig: metrics.optional(),
  telemetryConfig: metrics.optional(),
  nodeEvents: z.strictObject({ enabled: flag, sendAsPod: flag }).optional(),
  workflowEvents: z.strictObject({ enabled: flag }).optional(),

  links: z.array(link).optional(),
  columns: z.array(column).optional(),
  navColor: text,
  sso: sso.optional(),
});

/** The controller's configuration as it was written, typed; an absent key was not written. */
export type ControllerConfig = z.output<typeof controllerConfigSchema>;
/** A key of the controller's ConfigMap. */
export type ControllerConfigKey = keyof ControllerConfig;
