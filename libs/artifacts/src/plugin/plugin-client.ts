import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import type { Client, ClientReadableStream } from '@grpc/grpc-js';

import { TransientError } from '#libs/workflow-spec';

import { ArtifactAccessError, ArtifactNotFoundError } from '../errors.js';

import { ArtifactService, type PluginArtifactMessage } from './plugin-service.js';

/** One piece of an object that is read. */
export interface PluginChunk {
  data: Uint8Array;
  error: string;
}
interface Outcome {
  error: string;
}
type Method = 'Load' | 'Save' | 'Delete' | 'ListObjects' | 'IsDirectory';

/** What the generated client offers of the service. */
type ServiceClient = Client & {
  [method in Method]: (
    request: object,
    deadline: { deadline?: Date },
    done: (error: ServiceError | null, answer: unknown) => void,
  ) => unknown;
} & { OpenStream(request: { artifact: PluginArtifactMessage }): ClientReadableStream<PluginChunk> };

/** Codes that say that the plugin, or what is behind it, is away. */
const AWAY = new Set<number>([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.CANCELLED,
]);
const DEFAULT_CONNECT_LIMIT_MS = 5_000;

/** A connection to the plugin behind one socket. */
export class PluginClient {
  private readonly client: ServiceClient;

  constructor(
    private readonly name: string,
    socket: string,
  ) {
    this.client = new ArtifactService(`unix:${socket}`, credentials.createInsecure()) as unknown as ServiceClient;
  }

  /** Waits for the plugin to be there; TransientError where it is not in time. */
  async connect(limitMs = DEFAULT_CONNECT_LIMIT_MS): Promise<void> {
    await new Promise<void>((settle, refuse) => {
      this.client.waitForReady(new Date(Date.now() + limitMs), (error) => {
        if (error === undefined || error === null) settle();
        else refuse(new TransientError(`artifact plugin "${this.name}" is not there: ${error.message}`, { cause: error }));
      });
    });
  }

  async call<Answer extends Outcome>(method: Method, request: object, key: string): Promise<Answer> {
    const answer = await new Promise<Answer>((settle, refuse) => {
      this.client[method](request, {}, (error, given) => {
        if (error === null) settle(given as Answer);
        else refuse(this.failure(error, key));
      });
    });
    if (answer.error !== '') throw new ArtifactAccessError(`artifact plugin "${this.name}": ${answer.error}`);
    return answer;
  }

  async *read(artifact: PluginArtifactMessage, key: string): AsyncGenerator<Buffer> {
    const stream = this.client.OpenStream({ artifact });
    try {
      for await (const { data, error } of stream as AsyncIterable<PluginChunk>) {
        if (error !== '') throw new ArtifactAccessError(`artifact plugin "${this.name}": ${error}`);
        if (data.length > 0) yield Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      }
    } catch (error) {
      throw error instanceof ArtifactAccessError ? error : this.failure(error as ServiceError, key);
    } finally {
      stream.cancel();
    }
  }

  close(): void {
    this.client.close();
  }

  private failure(error: ServiceError, key: string): Error {
    const message = `artifact plugin "${this.name}": ${error.details === '' ? error.message : error.details}`;
    if (error.code === status.NOT_FOUND) return new ArtifactNotFoundError(key, { cause: error });
    if (AWAY.has(error.code)) return new TransientError(message, { cause: error });
    return new ArtifactAccessError(message, { cause: error });
  }
}
