import type { PodManifest } from '#libs/pod-spec';
import type { PodIdentity, PodObservation, PodRuntime } from '#libs/runtimes';
import type { LogShipments } from './log-shipments.js';

const ENDS: ReadonlySet<PodObservation['phase']> = new Set(['Succeeded', 'Failed', 'Gone']);

/**
 * A runtime whose pods' logs are shipped while they run. Everything else is the runtime's own. A pod that another process has made is met when it
 * is observed; one that was lost is reported with its log. Where several processes share the pods, each ships the logs of those that it follows.
 */
export function shippingRuntime(runtime: PodRuntime, shipments: LogShipments): PodRuntime {
  const observed = async (observation: PodObservation): Promise<PodObservation> => {
    if (ENDS.has(observation.phase)) return shipments.ended(observation);
    if (observation.phase === 'Running') shipments.meet(observation.identity);
    return observation;
  };
  const { abilities } = runtime;
  const logBytes = runtime.logBytes?.bind(runtime);
  const createClaim = runtime.createClaim?.bind(runtime);
  const forward = runtime.forward?.bind(runtime);
  const takeOver = runtime.takeOver?.bind(runtime);
  const deleteClaim = runtime.deleteClaim?.bind(runtime);
  const follow = runtime.followShards?.bind(runtime);
  const follows = runtime.followsPod?.bind(runtime);
  return {
    name: runtime.name,
    ...(abilities === undefined ? {} : { abilities }),
    start: (observe) =>
      runtime.start(async (observations) => {
        await observe(await Promise.all(observations.map(observed)));
        for (const { identity, phase } of observations) if (ENDS.has(phase)) shipments.recorded(identity);
      }),
    async create(identity: PodIdentity, manifest: PodManifest) {
      const outcome = await runtime.create(identity, manifest);
      const isMade = outcome.type === 'created' || outcome.type === 'adopted';
      if (isMade && (follows?.(identity) ?? true)) shipments.begin(identity, manifest, outcome.type === 'created');
      return outcome;
    },
    terminate: (identity, graceSeconds, place) => runtime.terminate(identity, graceSeconds, place),
    async delete(identity, place) {
      await shipments.beforeDeletion(identity);
      await runtime.delete(identity, place);
    },
    inspect: (identity) => runtime.inspect(identity),
    logs: (identity, options) => runtime.logs(identity, options),
    ...(logBytes === undefined ? {} : { logBytes }),
    ...(createClaim === undefined ? {} : { createClaim }),
    ...(forward === undefined ? {} : { forward }),
    // What somebody else has made keeps its logs itself.
    ...(takeOver === undefined ? {} : { takeOver }),
    ...(deleteClaim === undefined ? {} : { deleteClaim }),
    ...(follows === undefined ? {} : { followsPod: follows }),
    ...(follow === undefined
      ? {}
      : {
          async followShards(shards) {
            const isFollowed = await follow(shards);
            shipments.keep((identity) => follows?.(identity) ?? true);
            return isFollowed;
          },
        }),
    async close() {
      await shipments.close();
      await runtime.close();
    },
  };
}
