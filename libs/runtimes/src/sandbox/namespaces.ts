/** Where an init is started: on the host by its user, or inside a pod's namespaces as their root. */
export type NamespaceScope = 'pod' | 'pod-of-user' | 'container';

/**
 * Arguments of `unshare`. A pod: own mounts, process numbers, System V objects and host name, in a user namespace where the user is not
 * root. A container of a pod with several: own mounts and process numbers. What is inside dies with its `unshare`.
 * A pod with `ownNetwork` has no device but a loopback that is down.
 */
export function namespaceArguments(scope: NamespaceScope, ownNetwork = false): string[] {
  if (scope === 'container') return ['-m', '-p', '-f', '--kill-child'];
  return [
    ...(scope === 'pod-of-user' ? ['-U', '-r'] : []),
    '-m',
    '-p',
    '-f',
    '-i',
    '-u',
    ...(ownNetwork ? ['-n'] : []),
    '--kill-child',
  ];
}
