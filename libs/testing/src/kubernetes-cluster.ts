import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type KubernetesApi, KubernetesApi as Api, KubernetesNotFoundError, openConnection } from '#libs/kubernetes';
import { customResourceDefinitions } from '#libs/workflow-spec';
import { eventually } from './eventually.js';
import { sharedFolder, sharedFolderHint } from './shared-folder.js';

/** A real API server, perhaps with a node that runs pods. Whoever uses it takes namespaces of its own. */
export interface TestCluster {
  /** File; as KUBECONFIG for programs under test. */
  kubeconfig: string;
  api: KubernetesApi;
  /** Runs kubectl; gives what it printed. Rejects with what it printed as an error. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** A new namespace, with its service account. */
  createNamespace(prefix: string): Promise<string>;
  /** Deletes the namespaces that were made here and ends connections; the cluster ends with the test run, if the run started it. */
  release(): Promise<void>;
}

/** What a test needs of a cluster. */
export interface ClusterNeeds {
  /** Whether pods must run; otherwise tests play the kubelet themselves. */
  nodes: boolean;
}

const START_LIMIT_MS = 240_000;

/**
 * The cluster of this test run: KUBECONFIG's, else one that is started beside the repository (`shared/cluster`, Linux and root only)
 * and that all workers of a run share. Answers the line that says why there is none.
 */
export const kubernetesCluster = async (needs: ClusterNeeds): Promise<TestCluster | { skipped: string }> => {
  const given = process.env['KUBECONFIG'];
  if (given) return testCluster(given, process.env['PATH'] ?? '');
  const scripts = sharedFolder('cluster');
  if (scripts === undefined) return { skipped: `${sharedFolderHint('cluster')}, or KUBECONFIG for another cluster` };
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return { skipped: 'skipped: only root on Linux can start a cluster; KUBECONFIG points at another one' };
  const folder = process.env['CLUSTER_DIR'] ?? join(tmpdir(), 'argosy-cluster');
  const problem = await oneAtATime(`${folder}.starting`, () => start(scripts, folder, needs));
  if (problem !== undefined) return { skipped: `skipped: no cluster could be started here (${problem})` };
  return testCluster(join(folder, 'run', 'kubeconfig'), `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`);
};

/** Starts what does not run; gives why it could not. */
const start = async (scripts: string, folder: string, { nodes }: ClusterNeeds): Promise<string | undefined> => {
  if (nodes ? runs(folder, 'kubelet') : runs(folder, 'kube-apiserver')) return undefined;
  const isOurs = !runs(folder, 'kube-apiserver');
  const problem = await new Promise<string | undefined>((resolve) => {
    execFile(
      'bash',
      [join(scripts, nodes ? 'up.sh' : 'control.sh')],
      { env: { ...process.env, CLUSTER_DIR: folder }, timeout: START_LIMIT_MS, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => resolve(error === null ? undefined : lastLine(`${stdout}\n${stderr}`) || error.message),
    );
  });
  if (isOurs) endWithRun(scripts, folder);
  return problem;
};

const runs = (folder: string, program: string): boolean => {
  const file = join(folder, 'run', 'pid', program);
  return existsSync(file) && isAlive(Number(readFileSync(file, 'utf8')));
};

const isAlive = (pid: number): boolean => {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
};

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** A shell outlives the workers, waits for the end of the run (their parent), then stops the cluster and forgets its objects. */
const endWithRun = (scripts: string, folder: string): void => {
  const script = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; exec bash "$2" --state';
  spawn('sh', ['-c', script, 'sh', String(process.ppid), join(scripts, 'down.sh')], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: { ...process.env, CLUSTER_DIR: folder },
  }).unref();
};

/** Workers of one run come at the same time: the folder is the lock, the pid in it says whether its holder still lives. */
const oneAtATime = async <T>(lock: string, work: () => Promise<T>): Promise<T> => {
  const holder = join(lock, 'pid');
  await eventually(
    () => {
      try {
        mkdirSync(lock);
        writeFileSync(holder, String(process.pid));
        return true;
      } catch {
        if (existsSync(holder) && !isAlive(Number(readFileSync(holder, 'utf8') || process.pid)))
          rmSync(lock, { recursive: true, force: true });
        return false;
      }
    },
    `the lock ${lock} is free`,
    START_LIMIT_MS,
  );
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
};

const testCluster = async (kubeconfig: string, path: string): Promise<TestCluster> => {
  const api = new Api({ connection: await openConnection({ kubeconfig }) });
  const namespaces: string[] = [];
  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = execFile(
        'kubectl',
        [...args],
        { env: { ...process.env, PATH: path, KUBECONFIG: kubeconfig }, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(stderr.trim() || error.message))),
      );
      child.stdin?.end(input ?? '');
    });
  return {
    kubeconfig,
    api,
    kubectl,
    createNamespace: async (prefix) => {
      const name = `${prefix}-${randomBytes(4).toString('hex')}`;
      await api.create({ apiVersion: 'v1', plural: 'namespaces' }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      namespaces.push(name);
      const account = { apiVersion: 'v1', plural: 'serviceaccounts', namespace: name, name: 'default' };
      await eventually(
        () =>
          api.get(account).then(
            () => true,
            () => false,
          ),
        `the service account of ${name}`,
      );
      return name;
    },
    release: async () => {
      for (const name of namespaces.splice(0))
        await api.delete({ apiVersion: 'v1', plural: 'namespaces', name }).catch(() => undefined);
      api.connection.close();
    },
  };
};

/** Our definitions of Argo's kinds, where the cluster has none; those that are there stay. */
export const applyCustomResources = async ({ api }: Pick<TestCluster, 'api'>): Promise<void> => {
  const collection = { apiVersion: 'apiextensions.k8s.io/v1', plural: 'customresourcedefinitions' };
  for (const definition of customResourceDefinitions()) {
    const address = { ...collection, name: definition.metadata.name };
    await api.get(address).catch((error: unknown) => {
      if (!(error instanceof KubernetesNotFoundError)) throw error;
      // As `kubectl apply --server-side` does, which a suite may do later.
      return api.patch(address, definition, { type: 'apply', fieldManager: 'kubectl' });
    });
  }
  for (const definition of customResourceDefinitions()) {
    await eventually(async () => {
      const { status } = await api.get<{ status?: { conditions?: { type: string; status: string }[] } }>({
        ...collection,
        name: definition.metadata.name,
      });
      return status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True') === true;
    }, `${definition.metadata.name} is established`);
  }
};
