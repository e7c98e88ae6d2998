import type Docker from 'dockerode';

import type { RuntimeLogger } from '../collaborators.js';
import { ask, messageOf, statusOf } from './docker-connection.js';

const FAILURE_MEMORY_MS = 30_000;
const NOT_FOUND_WORDS = /not found|manifest unknown|does not exist|access denied|invalid reference/i;

export type ImageAnswer = { type: 'present' } | { type: 'busy'; message: string } | { type: 'refused'; message: string };

interface Failure {
  message: string;
  final: boolean;
  untilMs: number;
}

/** Sees to it that images are there. A pull goes on in the background, once per image; until it is done the pod has to wait. */
export class ImagePuller {
  private readonly underway = new Set<string>();
  private readonly failures = new Map<string, Failure>();

  constructor(
    private readonly docker: Docker,
    private readonly logger: RuntimeLogger,
  ) {}

  async ensure(image: string, policy: string | undefined): Promise<ImageAnswer> {
    const found = await ask<unknown>(() => this.docker.getImage(image).inspect(), new Map([[404, null]]));
    if (found !== null) return { type: 'present' };
    if (policy === 'Never')
      return { type: 'refused', message: `Container image "${image}" is not present with pull policy of Never` };
    const failure = this.failures.get(image);
    if (failure !== undefined && failure.untilMs > performance.now()) {
      return { type: failure.final ? 'refused' : 'busy', message: failure.message };
    }
    if (!this.underway.has(image)) void this.pull(image);
    return { type: 'busy', message: `pulling image ${image}` };
  }

  private async pull(image: string): Promise<void> {
    this.underway.add(image);
    this.failures.delete(image);
    try {
      const tagged = /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
      const stream = await this.docker.pull(tagged);
      await new Promise<void>((resolve, reject) => {
        this.docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)));
      });
    } catch (error) {
      const reason = messageOf(error);
      const final = statusOf(error) === 404 || NOT_FOUND_WORDS.test(reason);
      this.failures.set(image, { message: `image ${image}: ${reason}`, final, untilMs: performance.now() + FAILURE_MEMORY_MS });
      this.logger.warn('an image could not be pulled', { image, reason });
    } finally {
      this.underway.delete(image);
    }
  }
}
