import { askNetwork } from '../probes/ask-network.js';
import { ContainerWatch } from '../probes/container-watch.js';
import { containerProbes, type ProbeQuestion } from '../probes/probe.js';
import type { DockerMember, MemberState } from './docker-member.js';

interface WatchesMeans {
  changed: () => void;
  failed: (member: DockerMember) => void;
}

const NO_ADDRESS = '127.0.0.1';

/** The probes of a pod's running containers. */
export class MemberWatches {
  private readonly watches = new Map<DockerMember, ContainerWatch>();

  constructor(private readonly means: WatchesMeans) {}

  /** Begins to ask the probes of what has begun to run, and stops with what has ended. */
  follow(seen: readonly { member: DockerMember; state: MemberState }[]): void {
    const address = seen
      .map(({ state }) => (state.type === 'running' ? state.podIP : undefined))
      .find((found) => found !== undefined);
    for (const { member, state } of seen) {
      const probes = containerProbes(member.member.container);
      if (state.type !== 'running') this.watches.get(member)?.stop();
      else if (Object.keys(probes).length > 0 && !this.watches.has(member)) {
        const watch = new ContainerWatch(probes, {
          ask: (question, timeoutMs) => ask(member, question, { address: address ?? NO_ADDRESS, timeoutMs }),
          changed: () => this.means.changed(),
          failed: () => this.means.failed(member),
        });
        this.watches.set(member, watch);
      }
    }
  }

  isReady(member: DockerMember): boolean {
    return this.watches.get(member)?.isReady ?? true;
  }

  stop(): void {
    for (const watch of this.watches.values()) watch.stop();
  }
}

function ask(
  member: DockerMember,
  question: ProbeQuestion,
  { address, timeoutMs }: { address: string; timeoutMs: number },
): Promise<boolean> {
  if (question.type === 'exec') return member.succeeds(question.command, AbortSignal.timeout(timeoutMs));
  return askNetwork(question, address, timeoutMs);
}
