import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestCluster } from '#libs/testing';
import { patiently } from '../../harness/patiently.js';

const START_LIMIT_MS = 60_000;
const POLL_MS = 20;

/** One program of the cluster that this test run has started: it may be hurt, and is brought back as it was. */
export class ClusterProgram {
  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {}

  get pid(): number {
    return Number(readFileSync(this.pidFile, 'utf8'));
  }

  /** What it was started with. */
  get arguments(): string[] {
    return readFileSync(`/proc/${this.pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  }

  /** Stands still, with its connections open, until `thaw`. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** SIGKILL; gives how to start it again with the same arguments, which is repeatable only after another kill. */
  async kill(): Promise<() => void> {
    const { pid } = this;
    const [file = '', ...args] = this.arguments;
    const env = Object.fromEntries(
      readFileSync(`/proc/${pid}/environ`, 'utf8')
        .split('\0')
        .filter((entry) => entry.includes('='))
        .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    );
    process.kill(pid, 'SIGKILL');
    while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    return () => {
      const log = openSync(path.join(this.folder, 'log', `${this.name}.log`), 'a');
      const child = spawn(file, args, { detached: true, cwd: '/', env, stdio: ['ignore', log, log] });
      closeSync(log);
      child.unref();
      writeFileSync(this.pidFile, `${child.pid ?? ''}\n`);
    };
  }

  private get pidFile(): string {
    return path.join(this.folder, 'pid', this.name);
  }
}

/** A process that has ended but was not asked for its end yet is gone. */
const isThere = (pid: number): boolean => {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** The programs of the cluster that this run has started. */
export interface OwnCluster {
  apiServer: ClusterProgram;
  kubelet: ClusterProgram;
  /** The cluster's own scheduler and controllers begin anew, so that how long they rest after an outage is not taken for ours. */
  restartControllers(): Promise<void>;
  /** Forgets everything in etcd that is older than now. */
  compact(): Promise<void>;
  /** Resolves when the API server answers, and its node is ready. */
  waitUntilReady(): Promise<void>;
}

/** Undefined where the cluster is another's (KUBECONFIG), which is not to be hurt. */
export const ownCluster = (cluster: TestCluster): OwnCluster | undefined => {
  if (process.env['KUBECONFIG']) return undefined;
  const folder = path.dirname(cluster.kubeconfig);
  const apiServer = new ClusterProgram(folder, 'kube-apiserver');
  const etcd = apiServer.arguments.find((argument) => argument.startsWith('--etcd-servers='))?.split(/=|,/)[1] ?? '';
  return {
    apiServer,
    kubelet: new ClusterProgram(folder, 'kubelet'),
    restartControllers: async () => {
      for (const name of ['kube-scheduler', 'kube-controller-manager']) (await new ClusterProgram(folder, name).kill())();
    },
    compact: async () => {
      const { header } = await etcdCall<{ header: { revision: string } }>(etcd, 'range', { key: 'AA==' });
      await etcdCall(etcd, 'compaction', { revision: header.revision, physical: true });
    },
    waitUntilReady: async () => {
      const isReady = (): Promise<boolean> =>
        cluster.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=1s']).then(
          () => true,
          () => false,
        );
      await patiently(isReady, () => 'the cluster is itself again', START_LIMIT_MS);
    },
  };
};

const etcdCall = async <T>(server: string, method: string, body: object): Promise<T> => {
  const answer = await fetch(`${server}/v3/kv/${method}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd: ${method}: ${await answer.text()}`);
  return (await answer.json()) as T;
};
