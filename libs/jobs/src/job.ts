import { type z } from 'zod';

/** What is known of a job without its payload's type: where it travels, who handles it and how many at a time. */
export interface JobRoute {
  /** BullMQ queue name; also the prefix of a lane's queue. */
  readonly queue: string;
  /** Pattern of the Nest event handler that takes it. */
  readonly pattern: string;
  /** Handlers that one process runs at the same time unless its configuration says otherwise. */
  readonly concurrency: number;
  readonly producers: readonly string[];
  readonly consumer: string;
  /** What the handler does, in one sentence, for dashboards and documentation. */
  readonly summary: string;
}

/**
 * One kind of hint: its route, what its payload names, and how hints about the same row are folded into one. A payload
 * names a row and carries no facts.
 */
export interface JobDefinition<Payload> extends JobRoute {
  readonly payload: z.ZodType<Payload>;
  /** Key of the row: at most one handler runs per key, and hints about the same key fold together. */
  readonly keyOf: (payload: Payload) => string;
  /** A payload may belong to one lane (a host): it then travels on `<queue>.<lane>`, read only by that lane's consumer. */
  readonly laneOf?: (payload: Payload) => string | undefined;
}

/** The payload type of a job of the catalogue. */
export type PayloadOf<Job> = Job extends JobDefinition<infer Payload> ? Payload : never;

/** Name of the queue that carries hints of `job` in `lane`; the job's own queue where there is no lane. */
export function queueNameOf(job: JobRoute, lane?: string): string {
  return lane === undefined ? job.queue : `${job.queue}.${lane.replaceAll(':', '_')}`;
}
