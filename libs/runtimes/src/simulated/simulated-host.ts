import type { PodManifest } from '#libs/pod-spec';
import type { Outputs, Parameter } from '#libs/workflow-spec';

import type { LogLine, PodIdentity, PodObservation } from '../contract.js';
import { DEADLINE_MESSAGE, exitMessage } from '../end-messages.js';
import { PodRefusedError } from '../errors.js';
import { activeDeadlineSeconds } from '../main-process.js';
import { identityKey } from '../pod-identity.js';
import type { SimPlay } from './sim-program.js';
import { type PodPlay, playPod } from './simulated-members.js';
import type { SimulatedTime } from './simulated-time.js';

/** Address of every simulated daemon; nobody asks for that of other pods. */
const POD_ADDRESS = '127.0.0.1';
const TERMINATED = 143;
const KILLED = 137;

/** What a script makes a pod do instead of its arguments. `gone`: it disappears after its time without an end of its own. */
export interface ScriptedOutcome extends Partial<PodPlay> {
  gone?: boolean;
  /** TERM alone does not end it. */
  ignoresTerm?: boolean;
}
export type OutcomeScript = (identity: PodIdentity, manifest: PodManifest) => ScriptedOutcome | undefined;

interface SimulatedPod {
  identity: PodIdentity;
  manifest: PodManifest;
  play: SimPlay & ScriptedOutcome;
  observation: PodObservation;
  lines: LogLine[];
  cancel: () => void;
}

const hasEnded = (pod: SimulatedPod): boolean => pod.observation.phase !== 'Running' && pod.observation.phase !== 'Pending';

/**
 * The machine on which simulated pods run: it outlives the runtimes that use it, as a real host outlives a pod-manager. In memory
 * and without processes; a pod costs one timer.
 */
export class SimulatedHost {
  private readonly pods = new Map<string, SimulatedPod>();
  /** Those that have not ended. */
  private readonly active = new Set<SimulatedPod>();
  private readonly listeners = new Set<(observation: PodObservation) => void>();
  /** How often each pod was started, by identity; tests read it. */
  readonly starts = new Map<string, number>();

  constructor(
    private readonly time: SimulatedTime,
    private readonly script: OutcomeScript = () => undefined,
  ) {}

  subscribe(listener: (observation: PodObservation) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  observations(): PodObservation[] {
    return [...this.pods.values()].map((pod) => pod.observation);
  }

  find(identity: PodIdentity): PodObservation | undefined {
    return this.pods.get(identityKey(identity))?.observation;
  }

  running(): number {
    return this.active.size;
  }

  lines(identity: PodIdentity): readonly LogLine[] {
    return this.pods.get(identityKey(identity))?.lines ?? [];
  }

  /** Starts a pod; throws PodRefusedError for programs other than `sim` that no script plays. */
  run(identity: PodIdentity, manifest: PodManifest): void {
    const key = identityKey(identity);
    const startedAtMs = this.time.nowMs();
    const pod: SimulatedPod = {
      identity,
      manifest,
      play: this.playOf(identity, manifest),
      observation: {
        identity,
        phase: 'Running',
        ready: true,
        ...(manifest.work.daemon === true ? { podIP: POD_ADDRESS } : {}),
        startedAtMs,
      },
      lines: [],
      cancel: () => undefined,
    };
    this.pods.set(key, pod);
    this.active.add(pod);
    this.starts.set(key, (this.starts.get(key) ?? 0) + 1);
    const limitMs = limitOf(manifest, startedAtMs);
    const { durationMs } = pod.play;
    if (durationMs > 0 || limitMs <= 0) this.tell(pod);
    if (durationMs === Infinity && limitMs === Infinity) return;
    pod.cancel =
      limitMs < durationMs
        ? this.time.after(limitMs, () => this.end(pod, TERMINATED, DEADLINE_MESSAGE))
        : this.time.after(durationMs, () => this.finish(pod));
  }

  /** TERM now, KILL after the grace period. */
  terminate(identity: PodIdentity, graceSeconds: number): void {
    const pod = this.pods.get(identityKey(identity));
    if (pod === undefined || hasEnded(pod)) return;
    if (pod.play.ignoresTerm !== true) return this.end(pod, TERMINATED);
    const endOnTime = pod.cancel;
    const cancelKill = this.time.after(graceSeconds * 1000, () => this.end(pod, KILLED));
    pod.cancel = () => {
      endOnTime();
      cancelKill();
    };
  }

  remove(identity: PodIdentity): void {
    const key = identityKey(identity);
    const pod = this.pods.get(key);
    if (pod === undefined) return;
    pod.cancel();
    this.pods.delete(key);
    this.active.delete(pod);
  }

  /** Ends everything without a word, as a power cut would. */
  clear(): void {
    for (const pod of this.pods.values()) pod.cancel();
    this.pods.clear();
    this.active.clear();
  }

  private playOf(identity: PodIdentity, manifest: PodManifest): SimPlay & ScriptedOutcome {
    const scripted = this.script(identity, manifest);
    if (scripted !== undefined) return { exitCode: 0, lines: [], files: new Map(), durationMs: 0, ...scripted };
    if (manifest.work.outputArtifacts.length > 0) {
      throw new PodRefusedError('the simulated runtime has no files: output artifacts are not supported');
    }
    const play = playPod(manifest);
    return manifest.work.daemon === true ? { ...play, durationMs: Infinity } : play;
  }

  private finish(pod: SimulatedPod): void {
    const { play } = pod;
    pod.cancel();
    pod.lines.push(...play.lines.map((text) => ({ container: 'main', atMs: this.time.nowMs(), text })));
    if (play.gone === true) {
      this.pods.delete(identityKey(pod.identity));
      this.active.delete(pod);
      pod.observation = { identity: pod.identity, phase: 'Gone', message: play.message ?? 'pod deleted' };
      return this.tell(pod);
    }
    const { outputs, missing } = capture(pod.manifest, play);
    const failed = play.exitCode === 0 ? missing : (play.message ?? exitMessage(play.exitCode));
    this.report(pod, play.exitCode, {
      outputs,
      ...(play.containers === undefined ? {} : { containers: play.containers }),
      ...(failed === undefined ? {} : { message: failed }),
      ...(play.infrastructure === true || (play.exitCode === 0 && missing !== undefined) ? { infrastructure: true } : {}),
    });
  }

  private end(pod: SimulatedPod, exitCode: number, message = exitMessage(exitCode)): void {
    pod.cancel();
    this.report(pod, exitCode, { message, outputs: {} });
  }

  private report(pod: SimulatedPod, exitCode: number, facts: Partial<PodObservation>): void {
    const { ready: _ready, ...started } = pod.observation;
    const phase = facts.message === undefined ? 'Succeeded' : 'Failed';
    this.active.delete(pod);
    pod.observation = { ...started, phase, exitCode, finishedAtMs: this.time.nowMs(), ...facts };
    this.tell(pod);
  }

  private tell(pod: SimulatedPod): void {
    for (const listener of this.listeners) listener(pod.observation);
  }
}

function limitOf(manifest: PodManifest, startedAtMs: number): number {
  const active = activeDeadlineSeconds(manifest);
  const { deadlineMs } = manifest.work;
  return Math.min(
    active === undefined ? Infinity : active * 1000,
    deadlineMs === undefined ? Infinity : Math.max(0, deadlineMs - startedAtMs),
  );
}

function capture({ work }: PodManifest, play: SimPlay): { outputs: Outputs; missing?: string } {
  const outputs: Outputs = {};
  let missing: string | undefined;
  if (work.captureResult) outputs.result = play.lines.join('\n');
  if (work.outputParameters.length > 0) {
    outputs.parameters = work.outputParameters.map((parameter): Parameter => {
      const path = parameter.valueFrom?.path;
      const value =
        path === undefined ? parameter.value : (play.files.get(path)?.replace(/\n$/, '') ?? parameter.valueFrom?.default);
      if (value === undefined && path !== undefined) missing ??= `cannot find ${path} for output parameter ${parameter.name}`;
      return value === undefined ? parameter : { ...parameter, value };
    });
  }
  return missing === undefined ? { outputs } : { outputs, missing };
}
