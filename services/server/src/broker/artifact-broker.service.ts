import { Inject, Injectable, Optional } from '@nestjs/common';
import type { ArtifactDrivers } from '#libs/artifacts';
import type { BrokerParts } from '#libs/program';
import { Store } from '#libs/store';
import { NotServedError } from '../errors/errors.js';
import { ARTIFACT_DRIVERS, BROKER_PARTS, SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { BrokerReason, BrokerRefusal } from './broker-errors.js';
import { BrokeredPod } from './brokered-pod.js';

/** Takes tokens of pods, and knows which pods may still use theirs. */
@Injectable()
export class ArtifactBroker {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(ARTIFACT_DRIVERS) private readonly drivers: ArtifactDrivers,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
    @Optional() @Inject(BROKER_PARTS) private readonly parts: BrokerParts | undefined,
  ) {}

  /** The pod of an Authorization header. Throws BrokerRefusal for a token that is none, or whose pod is gone or ended long ago. */
  async podOf(authorization: string | undefined): Promise<BrokeredPod> {
    if (this.parts === undefined) throw new NotServedError('the artifact broker (ARTIFACT_BROKER)');
    const identity = await this.parts.tokens.verify((authorization ?? '').replace(/^Bearer\s+/i, '').trim());
    if (identity === undefined) throw refused('the token is none of a pod, or has expired');
    const access = await this.store.podAccess.find(identity);
    if (access === undefined) throw refused('there is no such pod');
    const { clock, config } = this.context;
    if (access.endedAtMs !== null && access.endedAtMs + config.artifactBrokerAfterEndMs < clock.nowMs())
      throw refused('the pod ended long ago');
    return new BrokeredPod(access, { drivers: this.drivers, credentials: this.parts.credentials });
  }

  /** How long what is lent now may be used. */
  life(): { nowMs: number; expiresInMs: number } {
    return { nowMs: this.context.clock.nowMs(), expiresInMs: this.context.config.artifactBrokerUrlTtlMs };
  }
}

const refused = (message: string): BrokerRefusal => new BrokerRefusal(BrokerReason.token, message);
