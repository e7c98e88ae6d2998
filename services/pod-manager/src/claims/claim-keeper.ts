import type { PodManifest } from '#libs/pod-spec';
import type { ClaimOutcome, NewClaim, PodObservation, PodRuntime } from '#libs/runtimes';
import type { PodStatusRepository, PodWorkRow } from '#libs/store';
import { claimProblem, type Clock, type KubernetesObject, type ObjectMeta, UserError } from '#libs/workflow-spec';

export interface ClaimKeeperPorts {
  runtime: Pick<PodRuntime, 'createClaim' | 'deleteClaim'>;
  podStatus: Pick<PodStatusRepository, 'markDeletedMany'>;
  observe: (observations: PodObservation[]) => Promise<void>;
  clock: Clock;
}

/** The claim that a row asks for, where it asks for one and not for a pod. */
export const claimOf = ({ manifest }: Pick<PodWorkRow, 'manifest'>): KubernetesObject | undefined =>
  (manifest.work as PodManifest['work'] | undefined)?.claim;

/** Names of the claims that a pod mounts. */
export const mountedClaims = ({ spec }: PodManifest): string[] =>
  (((spec as KubernetesObject | undefined)?.['volumes'] as KubernetesObject[] | undefined) ?? []).flatMap(
    ({ persistentVolumeClaim }) => {
      const name = (persistentVolumeClaim as { claimName?: string } | undefined)?.claimName;
      return name === undefined ? [] : [name];
    },
  );

/**
 * Makes and removes the volumes of claims. Their rows stand among those of the pods: claimed by a host, repeated until observed.
 *
 * Crash points: after the volume is made and before it is observed it is made again, which changes nothing; likewise its removal.
 */
export class ClaimKeeper {
  constructor(private readonly ports: ClaimKeeperPorts) {}

  /** One row of a claim; asked twice, the same happens. */
  async converge({ key, namespace, podName, desired, manifest }: PodWorkRow): Promise<void> {
    const { runtime, podStatus, observe, clock } = this.ports;
    if (desired === 'delete') {
      await runtime.deleteClaim?.({ namespace, name: podName });
      await podStatus.markDeletedMany([key], clock.nowMs());
      return;
    }
    if (desired === 'terminate') {
      await observe([{ identity: key, phase: 'Gone' }]);
      return;
    }
    const { spec = {}, metadata = {} } = (claimOf({ manifest }) ?? {}) as { spec?: KubernetesObject; metadata?: ObjectMeta };
    const { labels, annotations, ownerReferences } = metadata;
    const outcome = await this.create({
      ...{ namespace, name: podName, spec },
      metadata: {
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(ownerReferences === undefined ? {} : { ownerReferences }),
      },
    });
    await observe([
      outcome.type === 'created'
        ? { identity: key, phase: 'Succeeded' }
        : { identity: key, phase: 'Failed', infrastructure: true, message: outcome.message },
    ]);
  }

  /** What Kubernetes would not store is refused here too, whatever the runtime: a claim without an access mode, or of no size. */
  private async create(claim: NewClaim): Promise<ClaimOutcome> {
    try {
      const message = claimProblem(claim.name, claim.spec);
      if (message !== undefined) return { type: 'refused', message };
    } catch (error) {
      if (error instanceof UserError) return { type: 'refused', message: error.message };
      throw error;
    }
    const outcome = await this.ports.runtime.createClaim?.(claim);
    return outcome ?? { type: 'refused', message: 'this runtime has no volumes that outlive pods' };
  }
}
