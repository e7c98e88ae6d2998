import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '#libs/testing';
import { argosy, ROOT } from '../harness/program.js';

const START_LIMIT_MS = 90_000;
const END_LIMIT_MS = 30_000;

/** Why nothing of this can run here; undefined: it can. */
export const whyNotBuilt = (): string | undefined =>
  existsSync(path.join(ROOT, 'dist/services/cli/src/main.js')) ? undefined : 'skipped: not built (npm run build)';

export const newFolder = (name = 'argosy-cli-'): Promise<string> => mkdtemp(path.join(tmpdir(), name));

export interface Outcome {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** `argosy up` as a process of its own, on a free port, with the data folder that is given. */
export class UpProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly exited: Promise<number | null>,
    private readonly output: () => string,
  ) {}

  static async start(dataFolder: string, env: Record<string, string> = {}): Promise<UpProcess> {
    const program = path.join(ROOT, 'services/cli/bin/argosy.js');
    const args = [program, 'up', '--data', dataFolder, '--port', '0', '--runtime', 'sandbox'];
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    process.once('exit', () => child.kill('SIGKILL'));
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    const url = (): string | undefined => /^API +(\S+)$/m.exec(text)?.[1];
    await eventually(
      () => {
        if (child.exitCode !== null) throw new Error(`argosy up ended with ${child.exitCode}:\n${text}`);
        return url() !== undefined;
      },
      () => `argosy up tells its address; it said\n${text}`,
      START_LIMIT_MS,
    );
    return new UpProcess(child, url() ?? '', exited, () => text);
  }

  get said(): string {
    return this.output();
  }

  /** Sends the signal and waits for the end. Resolves with the exit code, null after a signal that was not handled. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_LIMIT_MS);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** Runs the command against this server. */
  cli(...args: string[]): Promise<Outcome> {
    return argosy(args, { ARGO_SERVER: this.url });
  }
}

/** Command lines of the living processes that name the folder. */
export const processesNaming = async (folder: string): Promise<string[]> => {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(folder)) found.push(line.replaceAll('\0', ' '));
  }
  return found;
};
