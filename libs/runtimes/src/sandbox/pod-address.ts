import { createHash } from 'node:crypto';

import type { PodManifest } from '#libs/pod-spec';

import type { PodIdentity } from '../contract.js';
import { identityKey } from '../pod-identity.js';

/**
 * The address of a pod: one of 127.0.0.0/8 of its own. Pods share the host's network, so whatever a pod listens on (all addresses, or
 * this one) is found there by every other; two pods cannot listen on one port of all addresses.
 */
export function podAddress(identity: PodIdentity): string {
  const [first = 0, second = 0, third = 0] = createHash('sha256').update(identityKey(identity)).digest();
  return `127.${1 + (first % 254)}.${second}.${1 + (third % 254)}`;
}

/** Whether the pod is in a network namespace of its own, where there is nothing but its own loopback device. */
export function hasOwnNetwork({ work }: PodManifest): boolean {
  return work.network === 'own';
}
