import { setTimeout as sleep } from 'node:timers/promises';

import { type FollowEvent, KubernetesExistsError, KubernetesForbiddenError, type KubernetesApi } from '#libs/kubernetes';
import { type ImageProgram, imagesToKnow, type KubernetesPod, type PodManifest } from '#libs/pod-spec';
import { type EnvVar, FinalizerName, type KubernetesObject, UserError } from '#libs/workflow-spec';

import type { RuntimeLogger } from '../collaborators.js';
import type {
  ClaimKey,
  ClaimOutcome,
  CreateOutcome,
  LogChunk,
  LogLine,
  LogOptions,
  NewClaim,
  PodIdentity,
  PodObservation,
  PodPlaceHint,
  PodRuntime,
} from '../contract.js';
import { RuntimeUnavailableError } from '../errors.js';
import { ObservationQueue } from '../observation-queue.js';
import { identityKey } from '../pod-identity.js';
import { clusterPod, shardOf } from './cluster-pod.js';
import { ClusterPods, isForgotten } from './cluster-pods.js';
import { EndCollector } from './end-collector.js';
import { adoptPod, findPodOfNode, isForeign } from './foreign-pods.js';
import { createVolumeClaim, deleteVolumeClaim } from './volume-claims.js';
import { KnownPods, type KnownPod } from './known-pods.js';
import { readPodLog } from './pod-log.js';
import { type ByteReading, readPodLogBytes } from './pod-log-bytes.js';
import { type ObservedPod, observedPod } from './observed-pod.js';
import { assessPod } from './pod-assessment.js';
import { PodFollower, type WatchedPod } from './pod-follower.js';
import { EndCause } from './pod-marks.js';
import { PodSpecLog, type PodSpecLogStrategy } from './pod-spec-log.js';
import { type StalledPodPatience, StalledPods } from './stalled-pods.js';

/** What the executor's containers are in the pods of now; asked for every pod, as the controller's configuration may change. */
export interface ExecutorSetup {
  /** Fields of the containers `init` and `wait`: image, pull policy, resources, security context. */
  container: KubernetesObject;
  /** Folder of the image with `busybox`, `init.sh`, `wait.sh`. */
  folder: string;
  /** Secrets of artifact stores are mounted, as Argo does. */
  mountsCredentials: boolean;
  /** Further variables of the executor in this pod. */
  variables?: (identity: PodIdentity) => Promise<EnvVar[]>;
}

export interface KubernetesRuntimeOptions extends StalledPodPatience {
  api: KubernetesApi;
  executor: () => ExecutorSetup;
  /** What an image of a pod runs by itself; undefined where nobody knows. Throws TransientError where its registry is away. */
  programOf: (image: string, manifest: PodManifest) => Promise<ImageProgram | undefined>;
  logger: RuntimeLogger;
  /** The only namespace that is served; absent: all. */
  namespace?: string;
  /** Workflows are objects of the cluster, and own their pods there; default: they are not. */
  ownersInCluster?: boolean;
  /** Pods of the other instances of this cluster are left alone: those with another label of this name, or, where this is absent, with any. */
  instanceId?: string;
  /**
   * Name of this process where several follow the pods of the cluster together: it follows those of the shards that `followShards` names, and those that carry its name
   * (`HOST_LABEL`). Absent: all.
   */
  sharedAs?: string;
  /** Of which pods the spec is logged; default: of none. */
  logsSpecs?: () => PodSpecLogStrategy;
  /** How long a pod that is deleted while it runs has to end, in seconds; undefined: as long as the pod itself says. */
  deletionGraceSeconds?: () => number | undefined;
}

const NAME_TAKEN = { attempts: 20, pauseMs: 100 } as const;

/**
 * Pods of a cluster. What is known here is what a watch told; a restart begins with a list. A pod goes created → observed → ended → recorded → released
 * (its finalizer gone, labelled completed) → deleted when the workflow wants it.
 *
 * Crash points: after the creation, the next call meets the same identity and adopts; after an end was recorded and before the release, the
 * list tells the end again, which changes nothing, and releases; a deletion in two steps is repeated from the first.
 */
export class KubernetesRuntime implements PodRuntime {
  readonly name = 'kubernetes';
  private readonly pods: ClusterPods;
  private readonly known = new KnownPods();
  private readonly ends: EndCollector;
  private readonly stopping = new AbortController();
  private readonly stalled: StalledPods;
  private readonly follower: PodFollower;
  /** Of pods that are this process's own; none where it shares no pods. */
  private readonly ownFollower: PodFollower | undefined;
  private readonly specLog: PodSpecLog;
  private queue: ObservationQueue | undefined;

  constructor(private readonly options: KubernetesRuntimeOptions) {
    const { api, logger, sharedAs } = options;
    const pods = new ClusterPods(api, options);
    this.pods = pods;
    this.stalled = new StalledPods({
      ...{ pods, patience: options, logger },
      look: (identity) => this.look(identity),
      overdue: (pod) => this.take(pod, this.followsPod(pod.identity), true),
    });
    this.specLog = new PodSpecLog({ pods: this.pods, logger: options.logger, strategy: () => options.logsSpecs?.() ?? {} });
    this.follower = new PodFollower({
      ...{ api, logger },
      selection: (shards) => pods.selection(shards, sharedAs !== undefined),
      hear: (event) => this.hear(event, ({ identity }) => this.followsPod(identity)),
    });
    if (sharedAs !== undefined)
      this.ownFollower = new PodFollower({
        ...{ api, logger },
        selection: () => pods.ownSelection(sharedAs),
        hear: (event) => this.hear(event, () => true),
      });
    this.ends = new EndCollector({ api: options.api, logger: options.logger, signal: this.stopping.signal });
  }

  get keepsStrays(): boolean {
    return this.options.ownersInCluster === true;
  }

  async start(observe: (observations: PodObservation[]) => Promise<void>): Promise<void> {
    const record = async (observations: PodObservation[]): Promise<void> => {
      await observe(observations);
      await Promise.all(observations.filter(isEnd).map(({ identity }) => this.release(identity)));
    };
    this.queue = new ObservationQueue(record, this.options.logger);
    void (this.ownFollower ?? this.follower).follow('all');
    return Promise.resolve();
  }

  async followShards(shards: readonly number[]): Promise<boolean> {
    const isFollowed = await this.follower.follow(shards);
    if (isFollowed) this.known.leaveToOthers(({ identity }) => !this.followsPod(identity));
    return isFollowed;
  }

  followsPod({ workflowUid }: PodIdentity): boolean {
    return this.follower.covers(shardOf(workflowUid));
  }

  buryHost(host: string): Promise<void> {
    return this.pods.deleteAgents(host);
  }

  async create(identity: PodIdentity, manifest: PodManifest): Promise<CreateOutcome> {
    try {
      const pod = await this.describe(identity, manifest);
      return await this.make(identity, pod, manifest);
    } catch (error) {
      if (error instanceof KubernetesForbiddenError && error.message.includes('exceeded quota'))
        return { type: 'busy', message: error.message, isQuota: true };
      if (error instanceof UserError) return { type: 'refused', message: error.message };
      throw error;
    }
  }

  async takeOver(identity: PodIdentity, manifest: PodManifest): Promise<boolean> {
    const found = await findPodOfNode(this.options.api, { identity, manifest });
    const pod = found === undefined ? undefined : await adoptPod(this.options.api, found, { identity, manifest });
    if (pod === undefined || isForgotten(pod)) return false;
    const known = this.known.learn(pod, this.followsPod(identity));
    // What was told of it was told to nobody.
    delete known.told;
    delete known.hasEnded;
    this.take(pod);
    return true;
  }

  async terminate(identity: PodIdentity, _graceSeconds: number, place?: PodPlaceHint): Promise<void> {
    const sought = this.known.find(identity) ?? (await this.seek(identity, place));
    if (sought === undefined) return this.tellGone(identity);
    const hasBegun = this.known.find(identity)?.hasBegun === true;
    const pod = await (hasBegun ? this.pods.end(sought, EndCause.terminated) : this.pods.mark(sought, EndCause.terminated));
    if (pod === undefined) return this.tellGone(identity);
    this.take(pod);
  }

  async delete(identity: PodIdentity, place?: PodPlaceHint): Promise<void> {
    const known = this.known.find(identity);
    if (known !== undefined) known.hasEnded = true;
    const pod = known ?? (await this.seek(identity, place));
    if (pod === undefined) return;
    const gracePeriodSeconds = this.options.deletionGraceSeconds?.();
    await this.pods.delete(pod, {
      finalizers: pod.finalizers,
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    });
    this.known.forget(pod);
  }

  async inspect(identity: PodIdentity): Promise<void> {
    const pod = await this.look(identity);
    if (pod === undefined) return this.tellGone(identity);
    const known = this.known.learn(pod, this.followsPod(identity));
    delete known.told;
    delete known.hasEnded;
    this.take(pod);
  }

  async *logs(identity: PodIdentity, options: LogOptions): AsyncGenerator<LogLine> {
    const pod = await this.look(identity);
    if (pod !== undefined) yield* readPodLog(this.options.api, pod, options);
  }

  async *logBytes(identity: PodIdentity, reading: ByteReading): AsyncGenerator<LogChunk> {
    const pod = await this.look(identity);
    if (pod !== undefined) yield* readPodLogBytes(this.options.api, pod, reading);
  }

  createClaim(claim: NewClaim): Promise<ClaimOutcome> {
    return createVolumeClaim(this.options.api, claim, this.options.ownersInCluster === true);
  }

  deleteClaim(claim: ClaimKey): Promise<void> {
    return deleteVolumeClaim(this.options.api, claim);
  }

  async close(): Promise<void> {
    this.stopping.abort();
    this.stalled.close();
    await Promise.all([this.follower.close(), this.ownFollower?.close()]);
    await this.ends.settled();
    await this.queue?.close();
  }

  /** By its name, if that is known: a search reads a list of the pods of all workflows. */
  private async seek(identity: PodIdentity, place: PodPlaceHint | undefined): Promise<ObservedPod | undefined> {
    if (place === undefined) return this.pods.find(identity);
    const found = await this.pods.get(place);
    const pod = found === undefined ? undefined : observedPod(found);
    return pod === undefined || identityKey(pod.identity) !== identityKey(identity) || isForgotten(pod) ? undefined : pod;
  }

  /** The pod as it is now; one that nobody here wants any more is as good as gone. */
  private async look(identity: PodIdentity): Promise<ObservedPod | undefined> {
    const known = this.known.find(identity);
    const found = known === undefined ? undefined : await this.pods.get(known);
    const pod = found === undefined ? undefined : observedPod(found);
    if (pod === undefined || pod.uid !== known?.uid) return this.pods.find(identity);
    return isForgotten(pod) ? undefined : pod;
  }

  private async describe(identity: PodIdentity, manifest: PodManifest): Promise<KubernetesPod> {
    const { executor, programOf } = this.options;
    const setup = executor();
    const programs = new Map<string, ImageProgram>();
    for (const image of imagesToKnow(manifest)) {
      const program = await programOf(image, manifest);
      if (program !== undefined) programs.set(image, program);
    }
    const isLean = (manifest.work.executorContainers ?? []).length === 0;
    const variables = isLean ? [] : ((await setup.variables?.(identity)) ?? []);
    return clusterPod(identity, manifest, {
      executor: (name) => ({ ...setup.container, command: [`${setup.folder}/busybox`, 'sh', `${setup.folder}/${name}.sh`] }),
      programs,
      isOwnerThere: this.options.ownersInCluster === true,
      ...(this.options.instanceId === undefined ? {} : { instanceId: this.options.instanceId }),
      mountsCredentials: setup.mountsCredentials,
      variables,
    });
  }

  /** A pod of the name that is another incarnation of ours goes first; a stranger's is waited for by whoever asks again. */
  private async make(identity: PodIdentity, pod: KubernetesPod, manifest: PodManifest): Promise<CreateOutcome> {
    const place = { namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name ?? '' };
    for (let attempt = 0; attempt < NAME_TAKEN.attempts; attempt += 1) {
      try {
        const created = observedPod(await this.pods.create(pod));
        if (created !== undefined) this.known.learn(created, this.followsPod(identity));
        this.specLog.made(pod);
        return { type: 'created' };
      } catch (error) {
        if (!(error instanceof KubernetesExistsError)) throw error;
      }
      const found = await this.pods.get(place);
      const there = found === undefined ? undefined : observedPod(found);
      if (there !== undefined && identityKey(there.identity) === identityKey(identity) && !isForgotten(there)) {
        this.take(there);
        return { type: 'adopted' };
      }
      // Argo's controller has made it before it wrote down that it wants to.
      if (found !== undefined && isForeign(found) && (await this.takeOver(identity, manifest))) return { type: 'adopted' };
      if (there !== undefined) await this.pods.delete(there, { finalizers: there.finalizers });
      await sleep(NAME_TAKEN.pauseMs);
    }
    throw new RuntimeUnavailableError(`pods ${JSON.stringify(place.name)} already exists, and belongs to somebody else`);
  }

  private hear(event: FollowEvent<WatchedPod>, isFollowed: (pod: ObservedPod) => boolean): void {
    if (event.type === 'SYNCED') return;
    if (event.type === 'MISSED_DELETION') {
      const known = this.known.findUid(event.identity.uid);
      if (known !== undefined) this.lose(known);
      return;
    }
    const pod = event.object.pod as unknown as ObservedPod | null;
    if (pod === null) return;
    if (event.type === 'DELETED') this.leave(pod);
    else this.take(pod, isFollowed(pod));
  }

  /** A pod that has left the selection: its object is gone, or its end is recorded. What it was last may be its end. */
  private leave(pod: ObservedPod): void {
    const found = this.known.findUid(pod.uid) ?? this.known.find(pod.identity);
    const known = found?.uid === pod.uid ? found : undefined;
    if (known?.hasEnded === true) return this.known.retire(known);
    if (assessPod(pod).isEnd) return this.take(pod);
    if (known !== undefined) this.lose(known);
  }

  /** The object is gone without an end that anybody saw. */
  private lose(known: KnownPod): void {
    this.known.forget(known);
    if (known.hasEnded !== true) this.queue?.add(goneReport(known.identity));
  }

  private take(pod: ObservedPod, isFollowed = this.followsPod(pod.identity), isOverdue = false): void {
    if (isForgotten(pod)) return;
    const known = this.known.learn(pod, isFollowed);
    const { report, isEnd } = assessPod(pod, isOverdue);
    known.hasBegun = report.phase !== 'Pending';
    this.stalled.meet(pod, isEnd);
    if (known.hasEnded === true) return;
    if (isEnd) {
      known.hasEnded = true;
      this.specLog.ended(pod, report);
      this.ends.collect(pod, report, (end) => this.queue?.add({ identity: pod.identity, ...end }));
      return;
    }
    const text = JSON.stringify(report);
    if (known.told === text) return;
    known.told = text;
    this.queue?.add({ identity: pod.identity, ...report });
  }

  private async release(identity: PodIdentity): Promise<void> {
    const known = this.known.find(identity);
    if (known === undefined) return;
    await this.pods.release(known);
    known.finalizers = known.finalizers.filter((name) => name !== FinalizerName.podStatus);
    this.known.retire(known);
  }

  private tellGone(identity: PodIdentity): void {
    this.queue?.add(goneReport(identity));
  }
}

const isEnd = ({ phase }: PodObservation): boolean => phase === 'Succeeded' || phase === 'Failed';

const goneReport = (identity: PodIdentity): PodObservation => ({
  identity,
  phase: 'Gone',
  infrastructure: true,
  message: 'pod deleted',
});
