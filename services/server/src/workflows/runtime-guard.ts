import { Inject, Injectable } from '@nestjs/common';
import { refusedFields, type CheckedSpec, type RuntimeAbilities } from '#libs/pod-spec';
import { Store } from '#libs/store';
import { NotSupportedError } from '#libs/workflow-spec';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';

/** A host that was silent for longer takes no new pods. */
const HOST_SILENT_MS = 60_000;
/** What hosts can give changes when they start; submissions do not ask each time. */
const KNOWN_FOR_MS = 5_000;
/** More lines than these are cut from a message. */
const PROBLEMS_LIMIT = 10;

/**
 * Refuses what no host of pods that lives can honour, before anything of it runs. Hosts announce their abilities; one that announces none
 * (a cluster, the simulation) takes everything, and with no host at all nobody can say. The runtime looks again when a pod is made.
 */
@Injectable()
export class RuntimeGuard {
  private known: { abilities: RuntimeAbilities[]; atMs: number } | undefined;

  constructor(
    @Inject(Store) private readonly store: Pick<Store, 'podHosts'>,
    @Inject(SERVER_CONTEXT) private readonly context: Pick<ServerContext, 'clock'>,
  ) {}

  /** Throws NotSupportedError that names the fields (`template main: container.tty is not supported by the sandbox`). */
  async assertHonoured(specs: readonly CheckedSpec[]): Promise<void> {
    const hosts = await this.hosts();
    const problems = hosts.map((abilities) => specs.flatMap((spec) => refusedFields(spec, abilities)));
    const [first] = problems;
    if (first === undefined || problems.some((found) => found.length === 0)) return;
    throw new NotSupportedError([...new Set(first)].slice(0, PROBLEMS_LIMIT).join('; '));
  }

  /** Whether what only says where pods run may be without effect: no host leaves that to a cluster. */
  async isPlacementIdle(): Promise<boolean> {
    return (await this.hosts()).length > 0;
  }

  /** Abilities of all hosts that live; none where one of them has no limits. */
  private async hosts(): Promise<RuntimeAbilities[]> {
    const nowMs = this.context.clock.nowMs();
    if (this.known !== undefined && nowMs - this.known.atMs < KNOWN_FOR_MS) return this.known.abilities;
    const living = (await this.store.podHosts.list()).filter(({ seenAtMs }) => nowMs - seenAtMs < HOST_SILENT_MS);
    const isOpen = living.some(({ abilities }) => !abilities);
    const abilities = isOpen ? [] : living.map((host) => host.abilities as RuntimeAbilities);
    this.known = { abilities, atMs: nowMs };
    return abilities;
  }
}
