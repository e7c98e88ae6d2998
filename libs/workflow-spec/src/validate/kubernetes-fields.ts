import { WorkflowInvalidError } from '../errors.js';

/** What an object must have, and what the objects below it must: a name alone is required, a shape is looked into. */
interface Shape {
  required?: readonly string[];
  fields?: Readonly<Record<string, Shape>>;
  /** The shape of each item, for lists. */
  items?: Shape;
}

const needs = (...required: string[]): Shape => ({ required });
const each = (items: Shape): Shape => ({ items });
const within = (fields: Readonly<Record<string, Shape>>, ...required: string[]): Shape => ({ required, fields });

const KEY_PATHS = within({ items: each(needs('key', 'path')) });
const FIELD_REFERENCE = needs('fieldPath');
const RESOURCE_REFERENCE = needs('resource');
const FIELD_FILES = within({
  items: each(within({ fieldRef: FIELD_REFERENCE, resourceFieldRef: RESOURCE_REFERENCE }, 'path')),
});

const HTTP_GET = within({ httpHeaders: each(needs('name', 'value')) }, 'port');
const PROBE = within({ httpGet: HTTP_GET, tcpSocket: needs('port'), grpc: needs('port') });
const HOOK = within({ httpGet: HTTP_GET, tcpSocket: needs('port'), sleep: needs('seconds') });

const SECURITY = within({
  seccompProfile: needs('type'),
  appArmorProfile: needs('type'),
  sysctls: each(needs('name', 'value')),
});

const CONTAINER_FIELDS: Readonly<Record<string, Shape>> = {
  env: each(
    within(
      {
        valueFrom: within({
          configMapKeyRef: needs('key'),
          secretKeyRef: needs('key'),
          fieldRef: FIELD_REFERENCE,
          resourceFieldRef: RESOURCE_REFERENCE,
        }),
      },
      'name',
    ),
  ),
  ports: each(needs('containerPort')),
  volumeMounts: each(needs('mountPath', 'name')),
  volumeDevices: each(needs('devicePath', 'name')),
  resizePolicy: each(needs('resourceName', 'restartPolicy')),
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  startupProbe: PROBE,
  lifecycle: within({ postStart: HOOK, preStop: HOOK }),
  securityContext: SECURITY,
};
const CONTAINER = within(CONTAINER_FIELDS);

const VOLUMES = each(
  within(
    {
      configMap: KEY_PATHS,
      secret: KEY_PATHS,
      downwardAPI: FIELD_FILES,
      projected: within({
        sources: each(
          within({
            configMap: KEY_PATHS,
            secret: KEY_PATHS,
            downwardAPI: FIELD_FILES,
            serviceAccountToken: needs('path'),
            clusterTrustBundle: needs('path'),
          }),
        ),
      }),
      persistentVolumeClaim: needs('claimName'),
      ephemeral: within({ volumeClaimTemplate: needs('spec') }),
      hostPath: needs('path'),
      nfs: needs('path', 'server'),
      csi: needs('driver'),
      awsElasticBlockStore: needs('volumeID'),
      azureDisk: needs('diskName', 'diskURI'),
      azureFile: needs('secretName', 'shareName'),
      cephfs: needs('monitors'),
      cinder: needs('volumeID'),
      flexVolume: needs('driver'),
      gcePersistentDisk: needs('pdName'),
      gitRepo: needs('repository'),
      glusterfs: needs('endpoints', 'path'),
      iscsi: needs('iqn', 'lun', 'targetPortal'),
      portworxVolume: needs('volumeID'),
      rbd: needs('image', 'monitors'),
      vsphereVolume: needs('volumePath'),
    },
    'name',
  ),
);

const LABEL_SELECTOR = within({ matchExpressions: each(needs('key', 'operator')) });
const NODE_TERM = within({ matchExpressions: each(needs('key', 'operator')), matchFields: each(needs('key', 'operator')) });
const POD_TERM = within({ labelSelector: LABEL_SELECTOR, namespaceSelector: LABEL_SELECTOR }, 'topologyKey');
const POD_AFFINITY = within({
  requiredDuringSchedulingIgnoredDuringExecution: each(POD_TERM),
  preferredDuringSchedulingIgnoredDuringExecution: each(within({ podAffinityTerm: POD_TERM }, 'podAffinityTerm', 'weight')),
});
const AFFINITY = within({
  nodeAffinity: within({
    requiredDuringSchedulingIgnoredDuringExecution: within({ nodeSelectorTerms: each(NODE_TERM) }, 'nodeSelectorTerms'),
    preferredDuringSchedulingIgnoredDuringExecution: each(within({ preference: NODE_TERM }, 'preference', 'weight')),
  }),
  podAffinity: POD_AFFINITY,
  podAntiAffinity: POD_AFFINITY,
});

const POD_FIELDS: Readonly<Record<string, Shape>> = {
  volumes: VOLUMES,
  affinity: AFFINITY,
  hostAliases: each(needs('ip')),
  securityContext: SECURITY,
};

const TEMPLATE = within({
  ...POD_FIELDS,
  container: CONTAINER,
  script: CONTAINER,
  initContainers: each(CONTAINER),
  sidecars: each(CONTAINER),
  containerSet: within({ containers: each(CONTAINER), volumeMounts: CONTAINER_FIELDS['volumeMounts'] ?? {} }),
});

const SPEC = within({ ...POD_FIELDS, templates: each(TEMPLATE), templateDefaults: TEMPLATE });
const OBJECT = within({ spec: within({ ...SPEC.fields, workflowSpec: SPEC }) });

/** More lines than these are cut from a message. */
const MISSING_LIMIT = 10;

const lookInto = (value: unknown, shape: Shape, path: string, missing: string[]): void => {
  if (missing.length >= MISSING_LIMIT || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    value.forEach((item, index) => lookInto(item, shape.items ?? {}, `${path}[${index}]`, missing));
    return;
  }
  const given = value as Readonly<Record<string, unknown>>;
  const below = path === '' ? '' : `${path}.`;
  for (const field of shape.required ?? []) {
    if (given[field] === undefined || given[field] === null) missing.push(`${below}${field}: Required value`);
  }
  for (const [field, inner] of Object.entries(shape.fields ?? {})) lookInto(given[field], inner, `${below}${field}`, missing);
};

/**
 * Refuses an object of ours whose parts lack what Kubernetes requires of them (`volumeMounts` without `mountPath`), in the words with which
 * an API server that holds Argo's full definitions refuses to store it. Linting knows nothing of it, as in Argo.
 */
export const assertKubernetesFields = (kind: string, name: string, object: object): void => {
  const missing: string[] = [];
  lookInto(object, OBJECT, '', missing);
  if (missing.length === 0) return;
  const what = missing.length === 1 ? missing[0] : `[${missing.join(', ')}]`;
  throw new WorkflowInvalidError(`${kind}.argoproj.io ${JSON.stringify(name)} is invalid: ${what}`);
};
