import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { basename } from 'node:path';

export interface ServerCommand {
  program: string;
  args: readonly string[];
  /** Default: this process's own. */
  env?: NodeJS.ProcessEnv;
  /** Whether it serves; asked again until it does. */
  answers: () => Promise<boolean>;
  startLimitMs: number;
}

/** A server program of a test's own; it is killed at the latest when the test process ends. Not running → `start` → serving → `end` → not running. */
export class ServerProcess {
  private child: ChildProcess | undefined;

  /** Settles when the server answers; rejects where it ends instead, or does not answer in time. */
  async start({ program, args, env, answers, startLimitMs }: ServerCommand): Promise<void> {
    const child = spawn(program, args, { stdio: 'ignore', ...(env === undefined ? {} : { env }) });
    this.child = child;
    process.once('exit', () => child.kill('SIGKILL'));
    const deadline = performance.now() + startLimitMs;
    while (performance.now() < deadline) {
      if (child.exitCode !== null) throw new Error(`${basename(program)} ended with exit code ${child.exitCode}`);
      if (await answers()) return;
      await new Promise((settle) => setTimeout(settle, 20));
    }
    throw new Error(`${basename(program)} did not answer in time`);
  }

  /** Settles when the process is gone; one that has ended before is none. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((settle) => child.once('exit', settle));
    child.kill(signal);
    await ended;
  }
}

/** Whether what listens on a port of 127.0.0.1 soon says what is expected, after it was told something or by itself. */
export function portAnswers(port: number, expected: RegExp, told?: string): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, '127.0.0.1', () => told !== undefined && socket.write(told));
    const finish = (answer: boolean): void => {
      socket.destroy();
      settle(answer);
    };
    socket.setTimeout(500, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('data', (data) => finish(expected.test(data.toString('latin1'))));
  });
}
