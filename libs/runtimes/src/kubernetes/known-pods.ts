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
  /** Its phase was another than Pending. */
  hasBegun?: boolean;
  /** Its end has been offered to the owner of the database. */
  hasEnded?: boolean;
}

/** Of pods that are followed no more, or elsewhere, only so many are remembered, for their deletion and their logs. */
const MAX_RETIRED = 20_000;

/**
 * The pods that this runtime follows, by identity and by UID, and where those are that it followed until their end was recorded. Memory only: a list makes it
 * anew, and what is not in it is looked for.
 */
export class KnownPods {
  private readonly retired = new Map<string, KnownPod>();
  private readonly byIdentity = new Map<string, KnownPod>();
  private readonly byUid = new Map<string, KnownPod>();

  /**
   * The pod as it is known; the same object for the same UID, a new one where another pod has taken the identity. One that is followed elsewhere (`isFollowed` is
   * false) is remembered for a while only.
   */
  learn(
    { identity, namespace, name, uid, finalizers }: Omit<KnownPod, 'told' | 'hasBegun' | 'hasEnded'>,
    isFollowed: boolean,
  ): KnownPod {
    const key = identityKey(identity);
    const known = this.byUid.get(uid);
    if (known !== undefined) {
      known.finalizers = finalizers;
      return known;
    }
    const remembered = this.retired.get(key);
    const isRemembered = remembered?.uid === uid;
    if (isRemembered && (remembered.hasEnded === true || !isFollowed)) return remembered;
    const pod: KnownPod = isRemembered ? remembered : { identity, namespace, name, uid, finalizers };
    const before = this.byIdentity.get(key);
    if (before !== undefined) this.forget(before);
    if (!isFollowed) {
      this.retire(pod);
      return pod;
    }
    this.retired.delete(key);
    this.byIdentity.set(key, pod);
    this.byUid.set(uid, pod);
    return pod;
  }

  /** One that is followed, or was. */
  find(identity: PodIdentity): KnownPod | undefined {
    const key = identityKey(identity);
    return this.byIdentity.get(key) ?? this.retired.get(key);
  }

  /** Follows it no more, but remembers where it is. */
  retire(pod: KnownPod): void {
    this.forget(pod);
    const key = identityKey(pod.identity);
    delete pod.told;
    this.retired.delete(key);
    this.retired.set(key, pod);
    const [oldest] = this.retired.keys();
    if (this.retired.size > MAX_RETIRED && oldest !== undefined) this.retired.delete(oldest);
  }

  /** Follows those no more that others follow from now on. */
  leaveToOthers(isTheirs: (pod: KnownPod) => boolean): void {
    for (const pod of [...this.byUid.values()]) if (isTheirs(pod)) this.retire(pod);
  }

  findUid(uid: string): KnownPod | undefined {
    return this.byUid.get(uid);
  }

  forget({ identity, uid }: Pick<KnownPod, 'identity' | 'uid'>): void {
    this.byUid.delete(uid);
    for (const pods of [this.byIdentity, this.retired]) {
      if (pods.get(identityKey(identity))?.uid === uid) pods.delete(identityKey(identity));
    }
  }
}
