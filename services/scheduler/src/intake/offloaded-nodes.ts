import type { Logger } from '#libs/observability';
import { StoreCorruptError } from '#libs/store';
import { type Clock, type NodeStatus, PermanentError, TransientError, UserError } from '#libs/workflow-spec';

/** The database with offloaded nodes cannot be read now: whoever needs them waits. */
export class NodesAwayError extends TransientError {}

type Nodes = Record<string, NodeStatus>;

export interface OffloadedNodesPorts {
  /** Undefined where there is no such version. */
  read: (uid: string, version: string) => Promise<Nodes | undefined>;
  clock: Clock;
  logger: Pick<Logger, 'warn' | 'info'>;
  /** How long one workflow may keep those behind it waiting; default 2 s. */
  patienceMs?: number;
}

const PATIENCE_MS = 2_000;
/** Nobody asks for ten times as long as asking has taken. */
const PAUSE = { factor: 10, leastMs: 1_000, mostMs: 20_000 };

/** Whatever is wrong with the database, or with the Secret of its account, is for an operator to repair and no fault of the workflow. */
const isOfInstallation = (error: unknown): error is Error =>
  error instanceof TransientError || error instanceof PermanentError || error instanceof UserError;

/**
 * Nodes that were offloaded, perhaps into a database of Argo's that is not ours. It may be away while everything else works, and workflow
 * objects are taken in one after the other. States: *answering*; *away* since a read failed or took too long, in which a read is tried only
 * now and then, and otherwise refused at once. What took too long is not thrown away: it may be there at the next try.
 */
export class OffloadedNodes {
  private away: { untilMs: number; why: string } | undefined;
  private late: { key: string; nodes: Promise<Nodes | undefined> } | undefined;

  constructor(private readonly ports: OffloadedNodesPorts) {}

  /** Throws NodesAwayError, for whatever reason the database gives none; StoreCorruptError where it gives what cannot be read. */
  readonly read = async (uid: string, version: string): Promise<Nodes | undefined> => {
    const { clock, logger } = this.ports;
    const startedMs = clock.nowMs();
    if (this.away !== undefined && startedMs < this.away.untilMs) throw new NodesAwayError(this.away.why);
    const key = `${uid}/${version}`;
    const nodes = this.late?.key === key ? this.late.nodes : this.ports.read(uid, version);
    this.late = undefined;
    try {
      const found = await this.soon(key, nodes);
      if (this.away !== undefined) logger.info('offloaded nodes can be read again');
      this.away = undefined;
      return found;
    } catch (error) {
      if (error instanceof StoreCorruptError) throw error;
      if (!isOfInstallation(error)) throw error;
      if (this.away === undefined)
        logger.warn('offloaded nodes cannot be read now; workflows whose nodes they are wait', { error: error.message });
      const pauseMs = Math.min(Math.max(PAUSE.factor * (clock.nowMs() - startedMs), PAUSE.leastMs), PAUSE.mostMs);
      this.away = { untilMs: clock.nowMs() + pauseMs, why: error.message };
      throw new NodesAwayError(error.message, { cause: error });
    }
  };

  private async soon(key: string, nodes: Promise<Nodes | undefined>): Promise<Nodes | undefined> {
    const { patienceMs = PATIENCE_MS } = this.ports;
    const late = Symbol('late');
    let timer: NodeJS.Timeout | undefined;
    const isLate = new Promise<typeof late>((resolve) => (timer = setTimeout(resolve, patienceMs, late)));
    try {
      const first = await Promise.race([nodes, isLate]);
      if (first !== late) return first;
    } finally {
      clearTimeout(timer);
    }
    nodes.catch(() => undefined);
    this.late = { key, nodes };
    throw new NodesAwayError(`their database has not answered for ${patienceMs} ms`);
  }
}
