import type { KubernetesObject } from '#libs/workflow-spec';
import type { RuntimeAbilities } from './runtime-abilities.js';

interface WrittenContext {
  runAsUser?: number;
  runAsNonRoot?: boolean;
  privileged?: boolean;
  capabilities?: { add?: string[] };
  seccompProfile?: { type?: string };
}

/** The plain name of a capability: `net_admin` of `CAP_NET_ADMIN`. */
export const plainCapability = (name: string): string => name.toLowerCase().replace(/^cap_/, '');

/**
 * What of a security context (the pod's, under the container's own) a runtime cannot give: the field and the rest of the sentence,
 * `privileged` and `is not supported by the sandbox`. Undefined where it gives everything.
 */
export const securityProblem = (
  context: KubernetesObject,
  { title, securityFields, capabilities, otherUsers }: RuntimeAbilities,
): string | undefined => {
  const beyond = `is not supported by ${title}`;
  const unknown = Object.keys(context).find((field) => context[field] !== undefined && !securityFields.includes(field));
  if (unknown !== undefined) return `${unknown} ${beyond}`;
  const written = context as WrittenContext;
  if (written.privileged === true) return `privileged ${beyond}`;
  if (written.seccompProfile?.type === 'Localhost') return `seccompProfile of type Localhost ${beyond}`;
  if (written.runAsNonRoot === true && (written.runAsUser ?? 0) === 0)
    return 'runAsNonRoot: the program would run as root; give runAsUser';
  if (!otherUsers && (written.runAsUser ?? 0) !== 0) return `runAsUser ${beyond} on this host`;
  const added = (written.capabilities?.add ?? []).map(plainCapability).find((name) => !capabilities.includes(name));
  return added === undefined ? undefined : `capabilities: ${added.toUpperCase()} is not given by ${title}`;
};
