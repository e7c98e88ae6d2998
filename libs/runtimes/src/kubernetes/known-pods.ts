import type { PodIdentity } from '../contract.js';
import { identityKey } from '../pod-identity.js';

/** Where a pod is, and what was told of it. */
export interface KnownPod {
  identity: PodIdentity;
  namespace: string;
  name: string;
  uid: string;
  /** As they were seen last. */
  finalizers: string[];
  /** The last report as text: the same is not told twice. */
  told?: string;
  /** Its end has been offered to the owner of the database. */
  hasEnded?: boolean;
}

/** The pods that this runtime follows, by identity and by UID. Memory only: a list makes it anew. */
export class KnownPods {
  private readonly byIdentity = new Map<string, KnownPod>();
  private readonly byUid = new Map<string, KnownPod>();

  /** The pod as it is known; the same object for the same UID, a new one where another pod has taken the identity. */
  learn({ identity, namespace, name, uid, finalizers }: Omit<KnownPod, 'told' | 'hasEnded'>): KnownPod {
    const known = this.byUid.get(uid);
    if (known !== undefined) {
      known.finalizers = finalizers;
      return known;
    }
    const pod: KnownPod = { identity, namespace, name, uid, finalizers };
    const before = this.byIdentity.get(identityKey(identity));
    if (before !== undefined) this.byUid.delete(before.uid);
    this.byIdentity.set(identityKey(identity), pod);
    this.byUid.set(uid, pod);
    return pod;
  }

  find(identity: PodIdentity): KnownPod | undefined {
    return this.byIdentity.get(identityKey(identity));
  }

  findUid(uid: string): KnownPod | undefined {
    return this.byUid.get(uid);
  }

  forget({ identity, uid }: Pick<KnownPod, 'identity' | 'uid'>): void {
    this.byUid.delete(uid);
    if (this.byIdentity.get(identityKey(identity))?.uid === uid) this.byIdentity.delete(identityKey(identity));
  }
}
