import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './free-ports.js';
import { installedProgram } from './installed-program.js';
import { portAnswers, ServerProcess } from './server-process.js';

const START_LIMIT_MS = 20_000;
/** Debian's places for programs of the administrator, which an ordinary user's PATH may lack. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/** A MariaDB of a test's own. `kill` and `start` play an outage; the data survive it. */
export interface TestMariadb {
  /** `mysql://root@127.0.0.1:port/name` of a new, empty database. */
  createDatabase(name: string): string;
  start(): Promise<void>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** Starts a MariaDB on a free port and a folder of its own; undefined where this machine has no such server. */
export async function startMariadb(): Promise<TestMariadb | undefined> {
  const [install, server, client] = ['mariadb-install-db', 'mariadbd', 'mariadb'].map((name) =>
    installedProgram([name], MORE_FOLDERS),
  );
  if (install === undefined || server === undefined || client === undefined) return undefined;
  const mariadb = new MariadbProcess({ install, server, client }, await freePort());
  await mariadb.start();
  return mariadb;
}

class MariadbProcess implements TestMariadb {
  private readonly folder = mkdtempSync(join(tmpdir(), 'argosy-mariadb-'));
  /** The server refuses to run as root: then it runs as the user of the package. */
  private readonly user: string[];
  private readonly server = new ServerProcess();

  constructor(
    private readonly programs: { install: string; server: string; client: string },
    private readonly port: number,
  ) {
    this.user = process.getuid?.() === 0 ? ['--user=mysql'] : [];
    if (this.user.length > 0) this.give(this.folder, 'mysql');
    const made = spawnSync(
      programs.install,
      [
        '--no-defaults',
        `--datadir=${this.data}`,
        `--tmpdir=${this.folder}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        ...this.user,
      ],
      { encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`mariadb-install-db failed: ${made.stderr}${made.stdout}`);
  }

  createDatabase(name: string): string {
    const connection = ['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', `--port=${this.port}`, '--user=root'];
    const made = spawnSync(this.programs.client, [...connection, '-e', `CREATE DATABASE ${name}`], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`the database was not made: ${made.stderr}`);
    return `mysql://root@127.0.0.1:${this.port}/${name}`;
  }

  async start(): Promise<void> {
    await this.server.start({
      program: this.programs.server,
      args: [
        '--no-defaults',
        `--datadir=${this.data}`,
        `--tmpdir=${this.folder}`,
        `--socket=${join(this.folder, 's')}`,
        `--pid-file=${join(this.folder, 'pid')}`,
        `--port=${this.port}`,
        '--bind-address=127.0.0.1',
        '--skip-log-bin',
        '--innodb-flush-log-at-trx-commit=2',
        '--innodb-buffer-pool-size=32M',
        ...this.user,
      ],
      // The server greets who connects.
      answers: () => portAnswers(this.port, /./s),
      startLimitMs: START_LIMIT_MS,
    });
  }

  async kill(): Promise<void> {
    await this.server.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.server.end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get data(): string {
    return join(this.folder, 'data');
  }

  private give(folder: string, name: string): void {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout));
    if (uid === undefined || gid === undefined || Number.isNaN(uid)) throw new Error(`there is no user ${name}`);
    chownSync(folder, uid, gid);
    chmodSync(folder, 0o700);
  }
}
