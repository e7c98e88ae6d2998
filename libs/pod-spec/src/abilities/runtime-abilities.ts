/**
 * What a runtime can give a pod, as far as it can be said before any pod is made. Plain data: a host of pods announces it, and whoever takes
 * workflows in reads it.
 */
export interface RuntimeAbilities {
  /** How messages call it: `the sandbox`. */
  title: string;
  tty: boolean;
  /** Whether a container may run as another user than root. */
  otherUsers: boolean;
  /** Fields of a security context that are heeded or change nothing. */
  securityFields: readonly string[];
  /** In lower case, without `cap_`. */
  capabilities: readonly string[];
  volumeKinds: readonly string[];
  /** Paths of the host that pods may mount, with all below them. */
  hostPaths: readonly string[];
  /** Actions of `lifecycle`. */
  hooks: readonly string[];
  /** Actions of probes. */
  probes: readonly string[];
}
