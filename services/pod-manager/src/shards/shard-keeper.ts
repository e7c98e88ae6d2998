import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger, Metrics } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import { type PodRuntime, SHARD_COUNT } from '#libs/runtimes';
import type { ShardLeaseRepository, ShardRow, ShardView } from '#libs/store';
import { planShards, shardsOf } from './shard-plan.js';

export interface ShardKeeperPorts {
  leases: Pick<ShardLeaseRepository, 'prepare' | 'beat' | 'move' | 'leave'>;
  runtime: Required<Pick<PodRuntime, 'followShards'>>;
  /** Whose pods are shared. */
  host: string;
  /** This replica, by a name that it keeps. */
  holder: string;
  /** In what time others take the shards of a replica that has died. */
  takeOverMs: number;
  logger: Logger;
  metrics?: Metrics | undefined;
}

/** A lease is renewed so many times in the time of a takeover; it ends one of them earlier, for the others to notice in time. */
const BEATS = 5;

/**
 * Holds this replica's share of the shards, and has the runtime follow them. States: *alone with nothing* → *holding* (each beat renews, takes, inherits and lets go) →
 * *leaving* (the others inherit while it still follows) → gone.
 *
 * Crash points: anywhere its leases run out and the others take the shards; what happened meanwhile they find in the list with which they begin. While the database is
 * away it goes on with what it had.
 */
export class ShardKeeper {
  private readonly beats: PeriodicTask;
  private readonly beatMs: number;
  private followed: ReadonlySet<number> = new Set();
  private wanted = '';
  private isPrepared = false;
  private isLeaving = false;

  constructor(private readonly ports: ShardKeeperPorts) {
    this.beatMs = ports.takeOverMs / BEATS;
    this.beats = new PeriodicTask({
      name: 'share the pods',
      intervalMs: this.beatMs,
      logger: ports.logger,
      atStart: true,
      run: () => this.beat(),
    });
    ports.metrics?.beforeScrape(() =>
      ports.metrics
        ?.gauge({ name: 'argosy_pod_shards_followed', help: `Shards of the pods that this replica follows, of ${SHARD_COUNT}.` })
        .set(this.followed.size),
    );
  }

  start(): void {
    this.beats.start();
  }

  /** Gives the shards to the others, who follow them first; what nobody wants in the time of two takeovers is left to them. */
  async stop(): Promise<void> {
    const { leases, host, holder, takeOverMs, logger } = this.ports;
    await this.beats.stop();
    this.isLeaving = true;
    const deadline = performance.now() + takeOverMs * 2;
    try {
      while (!(await this.beat()) && performance.now() < deadline) await sleep(this.beatMs / 2);
      await leases.leave(host, holder);
    } catch (error) {
      logger.info('the shards of this replica are left to those who come', { err: error });
    }
  }

  /** Whether this replica may go: nobody is there to take its shards, or all are taken. */
  private async beat(): Promise<boolean> {
    const { leases, host, holder } = this.ports;
    if (!this.isPrepared) await leases.prepare(host, SHARD_COUNT);
    this.isPrepared = true;
    const leaseMs = this.beatMs * (BEATS - 1);
    const view = await leases.beat({ host, holder, leaseMs, isLeaving: this.isLeaving });
    const moves = planShards(view, { holder, followed: this.followed });
    const moved = await leases.move(host, moves);
    const made = new Map(moves.filter(({ to }) => moved.has(to.shard)).map(({ to }) => [to.shard, to]));
    const rows = view.shards.map((row) => made.get(row.shard) ?? row);
    this.follow(shardsOf(rows, holder));
    return !hasHeirs(view, holder) || holdsNothing(rows, holder);
  }

  private follow(shards: readonly number[]): void {
    const { runtime, logger } = this.ports;
    const wanted = String(shards);
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    logger.info('the share of the pods has changed', { shards: shards.length });
    runtime
      .followShards(shards)
      .then((isFollowed) => {
        if (!isFollowed) return;
        this.followed = new Set(shards);
        // What was inherited is this replica's from now on.
        if (!this.isLeaving) void this.beats.run();
      })
      .catch((error: unknown) => {
        this.wanted = '';
        logger.error('the shards cannot be followed', { err: error });
      });
  }
}

const hasHeirs = ({ nowMs, holders }: ShardView, holder: string): boolean =>
  holders.some((other) => other.holder !== holder && other.untilMs > nowMs && !other.isLeaving);

const holdsNothing = (rows: readonly ShardRow[], holder: string): boolean => shardsOf(rows, holder).length === 0;
