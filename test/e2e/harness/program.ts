import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { patiently } from './patiently.js';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => existsSync(file));
const STOP_LIMIT_MS = 30_000;
const CLUSTER_WRITE =
  /^argosy_kubernetes_calls_total\{verb="(create|update|patch|delete|deletecollection)",resource="([^"]*)",[^}]*\} (\d+)$/gm;
const LOG_TAIL_CHARACTERS = 4_000;

export interface ProgramOptions {
  /** Unique in the stack; names the log file. */
  name: string;
  service: string;
  env: Record<string, string>;
  /** Where /readyz is. */
  metricsPort: number;
  logFolder: string;
}

export interface Readiness {
  status: number;
  sources: Record<string, boolean>;
}

/** Where a service's program lies after `npm run build`. */
export const programFile = (service: string): string => path.join(ROOT, 'dist/services', service, 'src/main.js');

/** One listener for all: each of their own would be one too many for Node. */
const killedAtExit = new Set<{ killNow(): void }>();
process.once('exit', () => killedAtExit.forEach((program) => program.killNow()));

/**
 * One service as a process of its own, with a log file that all its lives share. It dies with the test process, whatever ends that
 * (where util-linux' setpriv is there; else with the test's own teardown). States: stopped ⇄ running.
 */
export class Program {
  readonly name: string;
  private child: ChildProcess | undefined;
  private exited: Promise<void> = Promise.resolve();
  /** How often it ended without being told to. */
  unexpectedEnds = 0;
  private ending = false;

  constructor(private readonly options: ProgramOptions) {
    this.name = options.name;
    killedAtExit.add(this);
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts the process; does not wait until it is ready. */
  start(): void {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const { service, env } = this.options;
    const log = openSync(this.logFile, 'a');
    const node = [process.execPath, programFile(service)];
    const [file = '', ...args] = SETPRIV === undefined ? node : [SETPRIV, '--pdeathsig', 'KILL', ...node];
    const child = spawn(file, args, { env: { PATH: process.env['PATH'], ...env }, cwd: ROOT, stdio: ['ignore', log, log] });
    closeSync(log);
    this.child = child;
    this.ending = false;
    this.exited = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', () => {
        if (!this.ending) this.unexpectedEnds += 1;
        resolve();
      });
    });
  }

  /** SIGKILL without waiting; for the end of the test process. */
  killNow(): void {
    this.child?.kill('SIGKILL');
  }

  /** SIGKILL, as a crash; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.ending = true;
    this.child?.kill('SIGKILL');
    await this.exited;
  }

  /** SIGTERM; SIGKILL where that is not obeyed. Answers whether it ended by itself with exit code 0. */
  async stop(): Promise<boolean> {
    const { child } = this;
    if (child === undefined || !this.isRunning) return true;
    this.ending = true;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.exited;
    clearTimeout(timer);
    return child.exitCode === 0;
  }

  /** What /readyz says; status 0 where nobody answers. */
  async readiness(): Promise<Readiness> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.options.metricsPort}/readyz`, { signal: AbortSignal.timeout(5_000) });
      const body = (await response.json()) as { sources?: Record<string, boolean> };
      return { status: response.status, sources: body.sources ?? {} };
    } catch {
      return { status: 0, sources: {} };
    }
  }

  /** Runs of jobs in this life of the process, by its metrics. */
  async jobRuns(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.options.metricsPort}/metrics`);
    const samples = (await response.text()).matchAll(/^argosy_job_runs_total\{[^}]*\} (\d+)$/gm);
    return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** Calls in this life of the process that change objects of the cluster, refused ones too, by verb and resource. */
  async clusterWrites(): Promise<Map<string, number>> {
    const response = await fetch(`http://127.0.0.1:${this.options.metricsPort}/metrics`);
    const writes = new Map<string, number>();
    for (const [, verb = '', resource = '', count] of (await response.text()).matchAll(CLUSTER_WRITE))
      writes.set(`${verb} ${resource}`, (writes.get(`${verb} ${resource}`) ?? 0) + Number(count));
    return writes;
  }

  waitUntilReady(limitMs = 60_000): Promise<void> {
    return patiently(
      async () => {
        if (this.unexpectedEnds > 0) throw new Error(`${this.name} ended by itself:\n${this.logTail()}`);
        return (await this.readiness()).status === 200;
      },
      () => `${this.name} is ready; its log ends with\n${this.logTail()}`,
      limitMs,
    );
  }

  logTail(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS) : '';
  }

  private get logFile(): string {
    return path.join(this.options.logFolder, `${this.name}.log`);
  }
}

/** What a command of the `argosy` program printed, and its exit code. */
export async function argosy(
  args: string[],
  env: Record<string, string>,
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [path.join(ROOT, 'services/cli/bin/argosy.js'), ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, stdout, stderr };
}
