import { createHash } from 'node:crypto';

import type { PodIdentity } from './contract.js';

const SAFE_PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** A name for the pod that is fit for a folder or a container: equal for equal identities, and different for different ones. */
export function identityKey(identity: PodIdentity): string {
  return `${safePart(identity.workflowUid)}_${safePart(identity.nodeId)}_${identity.incarnation}`;
}

function safePart(text: string): string {
  return SAFE_PART.test(text) ? text : `h${createHash('sha256').update(text).digest('hex').slice(0, 40)}`;
}
