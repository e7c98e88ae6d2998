import type { ControllerConfig } from '#libs/workflow-spec';

/** Whether nodes may be written to the table of offloaded nodes. */
export interface OffloadPolicy {
  offload: boolean;
}

/** `persistence` of the controller's ConfigMap where it is written (Argo's default for `nodeStatusOffLoad` is false), else the variable. */
export const offloadPolicyOf = (variables: OffloadPolicy, { persistence }: ControllerConfig): OffloadPolicy =>
  persistence === undefined ? variables : { offload: persistence.nodeStatusOffLoad === true };
