import { type Fleet, PROGRAM_NAMES, type ProgramName, PROGRAMS } from '../harness/fleet.js';
import { redisCommand } from '../harness/redis-commands.js';
import type { Worker } from './progress.js';

/** Something that breaks. `strike` resolves when whatever was stopped is being started again or is back; it answers when that was. */
export interface Fault {
  name: string;
  strike(fleet: Fleet): Promise<{ backAtMs: number }>;
  /** Who must work again for there to be progress. */
  workers: readonly Worker[];
}

const ENGINE: readonly Worker[] = ['scheduler', 'pod-manager'];

const pause = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

/** The time counts from the kill: nobody says when a program is back. */
const killed = (names: readonly ProgramName[], name = names.join(' and ')): Fault => ({
  name: `SIGKILL ${name}`,
  workers: [...new Set(names.map((program) => PROGRAMS[program]))],
  strike: async (fleet) => {
    const backAtMs = Date.now();
    await Promise.all(names.map((program) => fleet.programs[program].kill()));
    for (const program of names) fleet.programs[program].start();
    return { backAtMs };
  },
});

const redisAway = (awayMs: number): Fault => ({
  name: `Redis stopped for ${awayMs / 1000} s`,
  workers: ENGINE,
  strike: async ({ redis }) => {
    await redis.kill();
    await pause(awayMs);
    await redis.start();
    return { backAtMs: Date.now() };
  },
});

const postgresAway = (awayMs: number): Fault => ({
  name: awayMs === 0 ? 'Postgres restarted' : `Postgres stopped for ${awayMs / 1000} s`,
  workers: ENGINE,
  strike: async ({ postgres }) => {
    await postgres.stop();
    if (awayMs > 0) await pause(awayMs);
    await postgres.start();
    return { backAtMs: Date.now() };
  },
});

const flushed: Fault = {
  name: 'FLUSHALL',
  workers: ENGINE,
  strike: async ({ redis }) => {
    await redisCommand(redis.url, 'FLUSHALL');
    return { backAtMs: Date.now() };
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
  postgresAway(10_000),
  { ...killed(PROGRAM_NAMES, 'all programs at once'), workers: ENGINE },
];
