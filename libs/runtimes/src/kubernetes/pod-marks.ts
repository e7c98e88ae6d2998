/** What this runtime writes on its pods beside the identity. */
export const PodMark = {
  /** Annotation: names of the containers whose end decides the pod, where they are not `main` alone. */
  mains: 'argosy.dev/mains',
  /** Annotation: `true` where each of them has a node of its own. */
  set: 'argosy.dev/container-set',
  /** Annotation: the containers that were ordered; all others were injected. */
  containers: 'argosy.dev/containers',
  /** Annotation: why the pod was asked to end, a PodEndCause of this runtime. */
  endCause: 'argosy.dev/end-cause',
  /** Annotation: `task-result` where the outputs are in the WorkflowTaskResult of the node, as Argo's executor leaves them. */
  outputs: 'argosy.dev/outputs',
  /** Label: the part of all pods that the pod belongs to, 0 to 63. */
  shard: 'argosy.dev/shard',
} as const;

/** Why this runtime asked a pod to end: as it was told to, or since only containers of others still run. */
export const EndCause = { terminated: 'terminated', left: 'left-over' } as const;

/** Pods are watched in so many parts. */
export const SHARD_COUNT = 64;

/** The kubelet ends a pod that has been active for longer than this; there is no less. */
export const SHORTEST_DEADLINE_SECONDS = 1;
