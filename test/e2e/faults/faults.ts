import { type Fleet, PROGRAM_NAMES, type ProgramName, PROGRAMS } from '../harness/fleet.js';
import { redisCommand } from '../harness/redis-commands.js';
import type { Worker } from './progress.js';

/** What a fault did. */
export interface Strike {
  /** From when on there should be progress: the kill of a program, the return of a database. */
  sinceMs: number;
  /** How long the programs took that were started again, until they answered at all: that is the machine's time, not ours. */
  startMs: Promise<number>;
}

/** Something that breaks. `strike` resolves when whatever was stopped is being started again or is back. */
export interface Fault {
  name: string;
  strike(fleet: Fleet): Promise<Strike>;
  /** Who must work again for there to be progress. */
  workers: readonly Worker[];
}

const ENGINE: readonly Worker[] = ['scheduler', 'pod-manager'];

const pause = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

const backNow = (): Strike => ({ sinceMs: Date.now(), startMs: Promise.resolve(0) });

/** The time counts from the kill: nobody says when a program is back. */
const killed = (names: readonly ProgramName[], name = names.join(' and ')): Fault => ({
  name: `SIGKILL ${name}`,
  workers: [...new Set(names.map((program) => PROGRAMS[program]))],
  strike: async (fleet) => {
    const sinceMs = Date.now();
    await Promise.all(names.map((program) => fleet.programs[program].kill()));
    const starts = names.map((program) => fleet.programs[program].startAndTime());
    return { sinceMs, startMs: Promise.all(starts).then((times) => Math.max(...times)) };
  },
});

const redisAway = (awayMs: number): Fault => ({
  name: `Redis stopped for ${awayMs / 1000} s`,
  workers: ENGINE,
  strike: async ({ redis }) => {
    await redis.kill();
    await pause(awayMs);
    await redis.start();
    return backNow();
  },
});

const postgresAway = (awayMs: number): Fault => ({
  name: awayMs === 0 ? 'Postgres restarted' : `Postgres stopped for ${awayMs / 1000} s`,
  workers: ENGINE,
  strike: async ({ postgres }) => {
    await postgres.stop();
    if (awayMs > 0) await pause(awayMs);
    await postgres.start();
    return backNow();
  },
});

const postgresCrash: Fault = {
  name: 'SIGKILL Postgres',
  workers: ENGINE,
  strike: async ({ postgres }) => {
    postgres.kill();
    await postgres.start();
    return backNow();
  },
};

const flushed: Fault = {
  name: 'FLUSHALL',
  workers: ENGINE,
  strike: async ({ redis }) => {
    await redisCommand(redis.url, 'FLUSHALL');
    return backNow();
  },
};

/** Every kind of fault, each program by itself, pairs that share work, and everything at once. */
export const FAULTS: readonly Fault[] = [
  ...PROGRAM_NAMES.map((name) => killed([name])),
  killed(['scheduler-a', 'scheduler-b']),
  killed(['pod-manager-a', 'pod-manager-b']),
  flushed,
  redisAway(5_000),
  postgresAway(0),
  postgresCrash,
  postgresAway(10_000),
  { ...killed(PROGRAM_NAMES, 'all programs at once'), workers: ENGINE },
];
