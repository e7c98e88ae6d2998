import { type PodReport } from '#libs/engine';

/** What is kept of a pod's phase: as reported, or `Claimed` from the moment a host took it until its first report. */
export type StoredPodPhase = 'Claimed' | PodReport['phase'];

const RANKS: Record<StoredPodPhase, number> = { Claimed: 0, Pending: 1, Running: 2, Succeeded: 3, Failed: 3, Gone: 3 };

/** Later phases win; among the final ones (rank 3) the first. */
export const podPhaseRank = (phase: StoredPodPhase): number => RANKS[phase];

export const FINAL_RANK = 3;
