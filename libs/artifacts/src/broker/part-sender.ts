import { TransientError, type ArtifactLocation } from '#libs/workflow-spec';

import { successful } from '../http/exchange.js';
import { keyOf } from '../location.js';

import type { LentPart } from '../part-buffers.js';

import type { BrokerClient, LentRequest } from './broker-client.js';

/** How many parts are asked for at a time, and how many are under way: as many are held in memory, and one that is being read. */
const LENT_AT_A_TIME = 20;
const PARTS_AT_A_TIME = 2;
export const PARTS_IN_MEMORY = PARTS_AT_A_TIME + 1;
/** A part is in memory and can be sent again by itself. */
const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 500;

type PartRequest = LentRequest & { number: number };
interface Place {
  location: ArtifactLocation;
  uploadId: string;
  signal?: AbortSignal | undefined;
}

/** Sends the parts of one upload by requests that the broker lends; a part that fails in passing is sent again. */
export class PartSender {
  private readonly sent: { number: number; etag: string }[] = [];
  private lent: PartRequest[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private failure: unknown;

  constructor(
    private readonly client: BrokerClient,
    private readonly place: Place,
  ) {}

  /** Resolves when there is room for the next part. The memory of this one is given back when it has been sent. */
  async send({ number, bytes, release }: LentPart): Promise<void> {
    const request = await this.partRequest(number);
    const sent = this.sendPart(request, bytes).catch((error: unknown) => {
      this.failure ??= error;
    });
    const settled = sent.finally(() => {
      release();
      this.underWay.delete(settled);
    });
    this.underWay.add(settled);
    if (this.underWay.size >= PARTS_AT_A_TIME) await Promise.race(this.underWay);
    this.throwFailure();
  }

  /** Resolves, when all have arrived, to what the completion needs. */
  async finish(): Promise<{ number: number; etag: string }[]> {
    await this.settled();
    this.throwFailure();
    return this.sent.sort((left, right) => left.number - right.number);
  }

  /** Nothing is under way any more, however it ended. */
  async settled(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure as Error;
  }

  private async sendPart(part: PartRequest, bytes: Buffer): Promise<void> {
    const { location, uploadId, signal } = this.place;
    let request: PartRequest = part;
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      try {
        const sending = { method: 'PUT', ...this.client.addressed(request), body: bytes, ...(signal ? { signal } : {}) } as const;
        const answer = await successful(sending, keyOf(location));
        answer.body.resume();
        this.sent.push({ number: part.number, etag: answer.headers.etag ?? '' });
        return;
      } catch (error) {
        if (!(error instanceof TransientError) || attempt === ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** attempt));
        const { parts } = await this.client.ask<{ parts: PartRequest[] }>('/uploads/parts', location, {
          ...{ uploadId, first: part.number, count: 1 },
        });
        request = parts[0] ?? request;
      }
    }
  }

  private async partRequest(number: number): Promise<PartRequest> {
    const { location, uploadId } = this.place;
    if (this.lent.length === 0) {
      const order = { uploadId, first: number, count: LENT_AT_A_TIME };
      this.lent = (await this.client.ask<{ parts: PartRequest[] }>('/uploads/parts', location, order)).parts;
    }
    const part = this.lent.shift();
    if (part === undefined) throw new TransientError('artifact broker: it lends no part');
    return part;
  }
}
