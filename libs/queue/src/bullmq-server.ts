import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';

import { assertHandlersMatch, type Job, type JobDefinition, type JobOutcome } from '#libs/jobs';

import { type JobHandler } from './job-execution.js';
import { type ConsumeOptions, type JobConsumer, type QueueRuntime } from './queue-runtime.js';

/** A job that a program claims, with how it wants to consume it. */
export interface ClaimedJob extends ConsumeOptions {
  readonly job: Job;
}

/**
 * BullMQ as a transport of Nest microservices: binds the handler methods of a program's controllers to the queues of the
 * jobs that it claims. Listening throws HandlerBindingError unless each claimed job has exactly one handler; it does not
 * wait for the queue's database.
 */
export class BullMqServer extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;
  private consumers: JobConsumer[] = [];

  constructor(
    private readonly runtime: QueueRuntime,
    private readonly claimed: readonly ClaimedJob[],
  ) {
    super();
    this.initializeSerializer({});
    this.initializeDeserializer({});
  }

  listen(callback: (error?: unknown) => void): void {
    try {
      assertHandlersMatch(
        this.claimed.map(({ job }) => job),
        this.boundPatterns(),
      );
      this.consumers = this.claimed.map(({ job, ...options }) => this.consume(job, options));
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.consumers.map((consumer) => consumer.close()));
    this.consumers = [];
  }

  on(): void {
    throw new Error('a BullMqServer has no events of its own; see QueueTelemetry');
  }

  unwrap<T>(): T {
    return this.runtime as T;
  }

  private consume(job: Job, options: ConsumeOptions): JobConsumer {
    return this.runtime.consume(job as JobDefinition<unknown>, this.handlerOf(job), options);
  }

  private handlerOf(job: Job): JobHandler<unknown> {
    const handler = this.messageHandlers.get(job.pattern) as MessageHandler;
    return async (payload) => {
      const answer: unknown = await handler(payload);
      return (isObservable(answer) ? await lastValueFrom(answer, { defaultValue: undefined }) : answer) as JobOutcome;
    };
  }

  /** Nest chains handlers of one pattern; each counts. */
  private boundPatterns(): string[] {
    const patterns: string[] = [];
    for (const [pattern, first] of this.messageHandlers) {
      for (let handler: MessageHandler | undefined = first; handler !== undefined; handler = nextOf(handler))
        patterns.push(pattern);
    }
    return patterns;
  }
}

function nextOf(handler: MessageHandler): MessageHandler | undefined {
  return handler.next as MessageHandler | undefined;
}
