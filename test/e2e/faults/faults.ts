import { type Fleet, PROGRAM_NAMES, type ProgramName, PROGRAMS } from '../harness/fleet.js';
import { redisCommand } from '../harness/redis-commands.js';
import type { Worker } from './progress.js';

/** Something that breaks. */
export interface Fault {
  name: string;
  /**
   * Resolves when whatever was stopped is being started again or is back, with the time (ms since 1970) from when on there should
   * be progress: the kill of a program, as nobody says when it is back; the return of a database.
   */
  strike(fleet: Fleet): Promise<number>;
  /** Who must work again for there to be progress. */
  workers: readonly Worker[];
}

const ENGINE: readonly Worker[] = ['scheduler', 'pod-manager'];

const pause = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

/** SIGKILL of programs, at once, and their start. */
export const killed = (names: readonly ProgramName[], name = names.join(' and ')): Fault => ({
  name: `SIGKILL ${name}`,
  workers: [...new Set(names.map((program) => PROGRAMS[program]))],
  strike: async (fleet) => {
    const sinceMs = Date.now();
    await Promise.all(names.map((program) => fleet.programs[program].kill()));
    for (const program of names) fleet.programs[program].start();
    return sinceMs;
  },
});

const redisAway = (awayMs: number): Fault => ({
  name: `Redis stopped for ${awayMs / 1000} s`,
  workers: ENGINE,
  strike: async ({ redis }) => {
    await redis.kill();
    await pause(awayMs);
    await redis.start();
    return Date.now();
  },
});

const postgresAway = (awayMs: number): Fault => ({
  name: awayMs === 0 ? 'Postgres restarted' : `Postgres stopped for ${awayMs / 1000} s`,
  workers: ENGINE,
  strike: async ({ postgres }) => {
    await postgres.stop();
    if (awayMs > 0) await pause(awayMs);
    await postgres.start();
    return Date.now();
  },
});

const postgresCrash: Fault = {
  name: 'SIGKILL Postgres',
  workers: ENGINE,
  strike: async ({ postgres }) => {
    postgres.kill();
    await postgres.start();
    return Date.now();
  },
};

const flushed: Fault = {
  name: 'FLUSHALL',
  workers: ENGINE,
  strike: async ({ redis }) => {
    await redisCommand(redis.url, 'FLUSHALL');
    return Date.now();
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
