import { PassThrough } from 'node:stream';

import type Docker from 'dockerode';

import { type ContainerEnd, TERMINATED_EXIT } from '../pod-ends.js';
import type { PodContainer } from '../pod-containers.js';
import { ask, messageOf } from './docker-connection.js';

/** A container as the daemon sees it, or as it became without having been started. */
export type MemberState =
  | { type: 'waiting' }
  /** Claimed by somebody who died before the start: it may have been started, or not. */
  | { type: 'lost' }
  | { type: 'running'; startedAtMs: number; podIP?: string }
  | { type: 'ended'; startedAtMs: number; finishedAtMs: number; end: ContainerEnd };

const NO_SUCH = new Map([
  [404, null],
  [409, null],
]);
const START_ERROR_REASON = 'StartError';
const NO_NETWORK = /non.running container/i;

/**
 * One container of a pod. Its rename is its claim: only one container can have the name, and only who renamed it starts it. So a
 * container is started once at most, whoever follows the pod.
 */
export class DockerMember {
  private isStarting = false;
  private startError: ContainerEnd | null = null;

  constructor(
    readonly member: PodContainer,
    readonly container: Docker.Container,
    private readonly claimName: string,
  ) {}

  async state(): Promise<MemberState> {
    const found = await ask(() => this.container.inspect());
    const { State } = found;
    if (this.startError !== null) {
      const atMs = Date.parse(found.Created);
      return { type: 'ended', startedAtMs: atMs, finishedAtMs: atMs, end: this.startError };
    }
    if (State.Status === 'created') {
      const isClaimed = found.Name.replace(/^\//, '') === this.claimName;
      return isClaimed && !this.isStarting ? { type: 'lost' } : { type: 'waiting' };
    }
    const startedAtMs = Date.parse(State.StartedAt);
    if (State.Running) return { type: 'running', startedAtMs, ...addressOf(found) };
    // The daemon takes the two times at different places; a program that ends at once may have "ended before it began".
    const finishedAtMs = Math.max(startedAtMs, Date.parse(State.FinishedAt));
    const reason = State.OOMKilled ? 'OOMKilled' : 'Error';
    return { type: 'ended', startedAtMs, finishedAtMs, end: this.endOf(State.ExitCode, reason) };
  }

  async start(): Promise<void> {
    this.isStarting = true;
    await ask(() => this.container.rename({ name: this.claimName }));
    try {
      await this.container.start();
    } catch (error) {
      const { State } = await ask(() => this.container.inspect());
      // A sidecar of a pod whose main has ended already: it would have been ended now.
      if (this.member.role === 'sidecar' && NO_NETWORK.test(messageOf(error)))
        this.startError = this.endOf(TERMINATED_EXIT, 'Error');
      // The daemon says 400 for a program that is not there; the container then has an exit code of its own.
      else if (State.Status === 'created')
        this.startError = { ...this.endOf(State.ExitCode, START_ERROR_REASON), detail: messageOf(error) };
    }
  }

  /** Nothing where there is no such container any more, or it does not run. */
  async signal(name: NodeJS.Signals): Promise<void> {
    await ask<unknown>(() => this.container.kill({ signal: name }), NO_SUCH);
  }

  /** Resolves when it does not run any more. */
  async ended(signal: AbortSignal): Promise<void> {
    await ask<unknown>(() => this.container.wait({ abortSignal: signal } as object), NO_SUCH);
  }

  /** Whether a command inside the running container ends with 0. */
  async succeeds(command: readonly string[], signal: AbortSignal): Promise<boolean> {
    try {
      const exec = await this.container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
      const stream = await exec.start({ abortSignal: signal });
      const sink = new PassThrough();
      sink.resume();
      stream.pipe(sink);
      await new Promise<void>((resolve, reject) => {
        stream.once('end', resolve);
        stream.once('close', resolve);
        stream.once('error', reject);
        signal.addEventListener('abort', () => reject(new Error('the command took too long')), { once: true });
      });
      return (await exec.inspect()).ExitCode === 0;
    } catch {
      return false;
    }
  }

  private endOf(exitCode: number, reason: string): ContainerEnd {
    const { name, role } = this.member;
    return { name, role, exitCode, reason, detail: '' };
  }
}

function addressOf(running: Docker.ContainerInspectInfo): { podIP?: string } {
  const networks = Object.values((running.NetworkSettings.Networks as typeof running.NetworkSettings.Networks | undefined) ?? {});
  const address = networks.find((network) => network.IPAddress !== '')?.IPAddress;
  return address === undefined ? {} : { podIP: address };
}
