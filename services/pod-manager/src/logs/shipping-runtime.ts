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
  const followShards = runtime.followShards?.bind(runtime);
  const follows = (identity: PodIdentity): boolean => runtime.followsPod?.(identity) ?? true;
  return {
    name: runtime.name,
    keepsStrays: runtime.keepsStrays === true,
    ...passedOn(runtime),
    start: (observe) =>
      runtime.start(async (observations) => {
        await observe(await Promise.all(observations.map(observed)));
        for (const { identity, phase } of observations) if (ENDS.has(phase)) shipments.recorded(identity);
      }),
    async create(identity: PodIdentity, manifest: PodManifest) {
      const outcome = await runtime.create(identity, manifest);
      const isMade = outcome.type === 'created' || outcome.type === 'adopted';
      if (isMade && follows(identity)) shipments.begin(identity, manifest, outcome.type === 'created');
      return outcome;
    },
    terminate: (identity, graceSeconds, place) => runtime.terminate(identity, graceSeconds, place),
    async delete(identity, place) {
      await shipments.beforeDeletion(identity);
      await runtime.delete(identity, place);
    },
    inspect: (identity) => runtime.inspect(identity),
    logs: (identity, options) => runtime.logs(identity, options),
    ...(followShards === undefined
      ? {}
      : {
          async followShards(shards) {
            const isFollowed = await followShards(shards);
            shipments.keep(follows);
            return isFollowed;
          },
        }),
    async close() {
      await shipments.close();
      await runtime.close();
    },
  };
}

/** What not every runtime can do, and what has nothing to do with logs: pods that somebody else has made keep theirs themselves. */
const PASSED_ON = ['logBytes', 'takeOver', 'createClaim', 'deleteClaim', 'forward', 'followsPod', 'buryHost'] as const;

function passedOn(runtime: PodRuntime): Pick<PodRuntime, 'abilities' | (typeof PASSED_ON)[number]> {
  const able = PASSED_ON.filter((name) => runtime[name] !== undefined);
  return {
    ...(runtime.abilities === undefined ? {} : { abilities: runtime.abilities }),
    ...Object.fromEntries(able.map((name) => [name, runtime[name]?.bind(runtime)])),
  };
}
