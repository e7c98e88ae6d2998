import type { LogLine, LogOptions, PodIdentity, PodObservation, PodRuntime } from '#libs/runtimes';

import { eventually } from '../../eventually.js';
import { simPod, type SimPodOptions } from '../../pod-manifests.js';

/** Guards against waiting for ever; no test depends on it. */
const HANGS_AFTER_MS = 30_000;

let serial = 0;
/** One that no other test has. */
export const newIdentity = (): PodIdentity => ({
  workflowUid: `uid-${process.pid}-${(serial += 1)}`,
  nodeId: `node-${serial}`,
  incarnation: 0,
});

/** A pod of the program `sim` with these arguments. */
export const podOf = (identity: PodIdentity, args: string[], options: SimPodOptions = {}) =>
  simPod(args, { ...identity, ...options });

/** A started runtime with all that it observed. */
export class Watched {
  readonly observations: PodObservation[] = [];

  private constructor(readonly runtime: PodRuntime) {}

  static async start(runtime: PodRuntime, failures = 0): Promise<Watched> {
    const watched = new Watched(runtime);
    let left = failures;
    await runtime.start(async (observations) => {
      if (left > 0) {
        left -= 1;
        throw new Error('the database is away');
      }
      watched.observations.push(...observations);
    });
    return watched;
  }

  of(identity: PodIdentity): PodObservation[] {
    return this.observations.filter((seen) => JSON.stringify(seen.identity) === JSON.stringify(identity));
  }

  async last(identity: PodIdentity, ...phases: PodObservation['phase'][]): Promise<PodObservation> {
    const latest = (): PodObservation | undefined => this.of(identity).at(-1);
    await eventually(
      () => phases.some((phase) => phase === latest()?.phase),
      () => `${identity.nodeId} is ${latest()?.phase ?? 'unseen'}, not ${phases.join(' or ')}`,
      HANGS_AFTER_MS,
    );
    return latest() as PodObservation;
  }

  async end(identity: PodIdentity): Promise<PodObservation> {
    return this.last(identity, 'Succeeded', 'Failed');
  }

  async lines(identity: PodIdentity, options: LogOptions = {}): Promise<string[]> {
    const lines: LogLine[] = [];
    for await (const line of this.runtime.logs(identity, options)) lines.push(line);
    return lines.map((line) => line.text);
  }
}

/** Long enough to be seen running; a kubelet looks once a second. */
export const whileMs = (isCluster: boolean): number => (isCluster ? 3_000 : 700);

/** Opens and starts a runtime; the first `failures` observations are not recorded. */
export type Open = (options?: { maxPods?: number; failures?: number }) => Promise<Watched>;
