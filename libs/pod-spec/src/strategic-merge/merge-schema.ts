/**
 * Which lists of Kubernetes' types are merged member by member (`patchStrategy: merge` with its `patchMergeKey`), v1.33.
 * What is not named here follows the general rule: objects are merged, lists are replaced.
 */
export interface MergeSchema {
  [field: string]: FieldMerge;
}
/** `by`: a list of objects told apart by this key. `set`: a list of plain values, each once. `object`: an object with merged lists inside. */
type FieldMerge = { by: string; item?: MergeSchema } | { set: true } | { object: MergeSchema };

const CONTAINER: MergeSchema = {
  env: { by: 'name' },
  ports: { by: 'containerPort' },
  volumeMounts: { by: 'mountPath' },
  volumeDevices: { by: 'devicePath' },
};

const POD_SPEC: MergeSchema = {
  volumes: { by: 'name' },
  initContainers: { by: 'name', item: CONTAINER },
  containers: { by: 'name', item: CONTAINER },
  ephemeralContainers: { by: 'name', item: CONTAINER },
  imagePullSecrets: { by: 'name' },
  hostAliases: { by: 'ip' },
  topologySpreadConstraints: { by: 'topologyKey' },
  schedulingGates: { by: 'name' },
  resourceClaims: { by: 'name' },
};

const POD: MergeSchema = {
  metadata: { object: { finalizers: { set: true }, ownerReferences: { by: 'uid' } } },
  spec: { object: POD_SPEC },
  status: { object: { conditions: { by: 'type' }, podIPs: { by: 'ip' } } },
};

/** The schemas by the name of their Kubernetes type. */
export const MERGE_SCHEMAS = { Container: CONTAINER, PodSpec: POD_SPEC, Pod: POD } as const;
/** The Kubernetes types that `strategicMergePatch` knows. */
export type MergeType = keyof typeof MERGE_SCHEMAS;
