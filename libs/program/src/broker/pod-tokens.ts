import { createHmac, timingSafeEqual } from 'node:crypto';

import type { Clock } from '#libs/workflow-spec';

const PREFIX = 'argosy-pod.v1';

/** Who a pod is; see libs/pod-spec. */
export interface PodIdentity {
  workflowUid: string;
  nodeId: string;
  incarnation: number;
}

interface Claims {
  u: string;
  n: string;
  i: number;
  e: number;
}

/**
 * Tokens by which a pod shows who it is: `argosy-pod.v1.<claims>.<HMAC-SHA-256>`, docs/broker.md. They are checked by computing alone; that the
 * pod is still there is for whoever takes them to see.
 */
export class PodTokens {
  constructor(
    private readonly key: () => Promise<string>,
    private readonly clock: Clock,
  ) {}

  async issue({ workflowUid, nodeId, incarnation }: PodIdentity, lifeMs: number): Promise<string> {
    const expiresAtS = Math.ceil((this.clock.nowMs() + lifeMs) / 1000);
    const claims: Claims = { u: workflowUid, n: nodeId, i: incarnation, e: expiresAtS };
    const text = `${PREFIX}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    return `${text}.${signature(text, await this.key()).toString('base64url')}`;
  }

  /** The pod of a token of ours that is still valid; undefined for any other text. */
  async verify(token: string): Promise<PodIdentity | undefined> {
    const end = token.lastIndexOf('.');
    const text = token.slice(0, Math.max(0, end));
    if (!text.startsWith(`${PREFIX}.`)) return undefined;
    const shown = Buffer.from(token.slice(end + 1), 'base64url');
    const expected = signature(text, await this.key());
    if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) return undefined;
    const claims = JSON.parse(Buffer.from(text.slice(PREFIX.length + 1), 'base64url').toString('utf8')) as Claims;
    if (claims.e * 1000 <= this.clock.nowMs()) return undefined;
    return { workflowUid: claims.u, nodeId: claims.n, incarnation: claims.i };
  }
}

const signature = (text: string, key: string): Buffer => createHmac('sha256', key).update(text).digest();
