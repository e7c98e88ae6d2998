import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually, removePods, type TestCluster } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { NAMES_AT } from './service-network.js';
import type { OverlayImages } from './stand-in-images.js';

const DOCTOR = fileURLToPath(new URL('../../../../services/cli/bin/argosy.js', import.meta.url));
const K8S = fileURLToPath(new URL('../../../../k8s', import.meta.url));
/** Of the programs, as every overlay has it. */
export const NAMESPACE = 'argosy';
export const PROGRAMS = ['archiver', 'artifact-gc', 'offloader', 'pod-manager', 'scheduler', 'server'];
const WORKLOADS = PROGRAMS.map((name) => `${name === 'pod-manager' ? 'statefulset' : 'deployment'}/argosy-${name}`);
const READY_LIMIT_MS = 480_000;
const GONE_LIMIT_MS = 120_000;
const WORKFLOW_LIMIT_MS = 180_000;
const OURS = 'app.kubernetes.io/part-of=argosy';

/** Where pods of the test cluster look names up, which has no DNS. */
export const LOOK_UP = {
  dnsPolicy: 'None',
  dnsConfig: { nameservers: [NAMES_AT], searches: [`${NAMESPACE}.svc.cluster.local`, 'svc.cluster.local'] },
};
const LOOK_UP_PATCH = JSON.stringify(
  Object.entries(LOOK_UP).map(([name, value]) => ({ op: 'add', path: `/spec/template/spec/${name}`, value })),
);

const writeKustomization = (folder: string, content: object): void => {
  const whole = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', ...content };
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(whole));
};

/** What an operator does with an overlay: a kustomization of their own on top of it, applied with kubectl. */
export class Installation {
  private readonly folder = mkdtempSync(join(realpathSync(tmpdir()), 'argosy-installation-'));

  constructor(
    readonly cluster: TestCluster,
    private readonly overlay: string,
    private readonly from: OverlayImages,
    /** Variables that differ from the overlay's. */
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  /** kubectl in the namespace of the programs. */
  readonly kubectl = (...args: string[]): Promise<string> => this.cluster.kubectl(['--namespace', NAMESPACE, ...args]);

  /** `as`: the user who applies it; the cluster's administrator where absent. */
  async apply(as?: string): Promise<void> {
    const data = { EXECUTOR_IMAGE: this.from.executor, ...this.settings };
    const settings = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argosy', namespace: NAMESPACE },
      data,
    };
    writeKustomization(this.folder, {
      resources: [relative(this.folder, join(K8S, 'overlays', this.overlay))],
      images: this.from.images,
      patches: [
        { patch: JSON.stringify(settings) },
        ...['Deployment', 'StatefulSet'].map((kind) => ({ target: { kind }, patch: LOOK_UP_PATCH })),
      ],
    });
    const who = as === undefined ? [] : [`--as=${as}`];
    await this.cluster.kubectl(['apply', '--server-side', ...who, '--kustomize', this.folder]);
  }

  /** Until all copies of all programs are ready. */
  async ready(): Promise<void> {
    const timeout = `--timeout=${READY_LIMIT_MS / 1000}s`;
    // Copies that are being taken away are never ready again: whoever waits for all pods waits for these too.
    await this.kubectl('wait', '--for=condition=Available', 'deployment', '--all', timeout);
    for (const workload of WORKLOADS) await this.kubectl('rollout', 'status', workload, timeout);
  }

  /** Each running copy of each program, with how often it was started again. */
  async copies(): Promise<string[]> {
    const shown =
      'jsonpath={range .items[*]}{.metadata.labels.app\\.kubernetes\\.io/name} {.status.containerStatuses[0].restartCount}{"\\n"}{end}';
    return (await this.kubectl('get', 'pods', '-l', OURS, '-o', shown)).trim().split('\n').sort();
  }

  /** Lines in the logs of all programs that hold the text. */
  async logLines(text: string): Promise<string[]> {
    const logs = await this.kubectl('logs', '--selector', OURS, '--tail=-1', '--prefix', '--max-log-requests=20');
    return logs.split('\n').filter((line) => line.includes(text));
  }

  async applyObjects(namespace: string, ...items: readonly object[]): Promise<void> {
    await this.cluster.kubectl(
      ['--namespace', namespace, 'apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    );
  }

  async workflow(namespace: string, name: string): Promise<Workflow> {
    return JSON.parse(await this.cluster.kubectl(['--namespace', namespace, 'get', 'workflow', name, '-o', 'json'])) as Workflow;
  }

  /** The workflow when it has ended. */
  async ended(namespace: string, name: string): Promise<Workflow> {
    let last: Workflow | undefined;
    await eventually(
      async () => {
        last = await this.workflow(namespace, name);
        return (last.status?.finishedAt ?? null) !== null;
      },
      () => `${name} ends: ${JSON.stringify(last?.status)}`,
      WORKFLOW_LIMIT_MS,
    );
    return last as Workflow;
  }

  /** A path of the HTTP API, as text. */
  async ask(path: string, token: string): Promise<string> {
    const answer = await fetch(`http://${await this.server()}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return answer.text();
  }

  /** Address and port of the service of the HTTP API. */
  async server(): Promise<string> {
    return `${await this.kubectl('get', 'service', 'argosy-server', '-o', 'jsonpath={.spec.clusterIP}')}:2746`;
  }

  /** Replaces all copies of all programs, and waits for the new ones. */
  async restart(): Promise<void> {
    await this.kubectl('rollout', 'restart', ...WORKLOADS);
    for (const workload of WORKLOADS) await this.kubectl('rollout', 'status', workload, `--timeout=${READY_LIMIT_MS / 1_000}s`);
  }

  /** What `argosy doctor` finds with the operator's credential, as `name state` and the message of what is not well. */
  async doctor(namespace: string, token: string): Promise<string[]> {
    const { kubeconfig } = this.cluster;
    const args = [DOCTOR, 'doctor', '--kubeconfig', kubeconfig, '-n', namespace, '-o', 'json'];
    const env = { ...process.env, ARGO_SERVER: await this.server(), ARGO_SECURE: 'false', ARGO_TOKEN: `Bearer ${token}` };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    const { findings } = JSON.parse(stdout) as { findings: { name: string; state: string; message: string }[] };
    return findings.map(({ name, state, message }) => (state === 'ok' ? `${name} ok` : `${name} ${state}: ${message}`));
  }

  /** Everything of it but the definitions, and until the namespace of the programs is gone. */
  async remove(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    await this.cluster.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false', '--ignore-not-found']);
    await this.cluster.kubectl(['delete', 'clusterrole,clusterrolebinding', '-l', OURS]);
    const isGone = async (): Promise<boolean> => {
      // Steps that ran in it are let go of by nobody any more.
      await removePods(this.cluster, NAMESPACE).catch(() => undefined);
      return (await this.cluster.kubectl(['get', 'namespace', NAMESPACE, '--ignore-not-found', '-o', 'name'])) === '';
    };
    await eventually(isGone, `${NAMESPACE} is gone`, GONE_LIMIT_MS);
  }
}

/** What the README of the manifests has an operator make before: the namespace, and the secrets with the places of databases and the account of the object store. */
export const prepare = async ({ kubectl, cluster }: Installation, parts: string, token: string): Promise<void> => {
  await cluster.kubectl(['create', 'namespace', NAMESPACE]);
  await kubectl(
    ...['create', 'secret', 'generic', 'argosy'],
    `--from-literal=database-url=postgres://argosy:quickstart@postgres.${parts}/argosy`,
    `--from-literal=redis-url=redis://redis.${parts}:6379`,
    ...[`--from-literal=auth-token=${token}`, '--from-literal=internal-token=between-programs'],
  );
  const credentials = '[default]\naws_access_key_id = quickstart\naws_secret_access_key = quickstart\n';
  await kubectl('create', 'secret', 'generic', 'argosy-s3', `--from-literal=credentials=${credentials}`);
};

/** Postgres, Redis and an object store in a namespace apart, as an operator has them outside. Gives the artifact repository there. */
export const startParts = async (cluster: TestCluster, namespace: string, { images }: OverlayImages): Promise<string> => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'argosy-parts-'));
  try {
    copyFileSync(join(K8S, 'overlays/quickstart/databases.yaml'), join(folder, 'databases.yaml'));
    writeKustomization(folder, { resources: ['databases.yaml'], images });
    await cluster.kubectl(['--namespace', namespace, 'apply', '--kustomize', folder]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const s3 = {
    endpoint: `objects.${namespace}:7070`,
    insecure: true,
    bucket: 'own',
    region: 'us-east-1',
    createBucketIfNotPresent: {},
  };
  return JSON.stringify({ s3 });
};

/** The rights of workflows' pods, as docs have them applied for each namespace of workflows. */
export const grantWorkflowRights = async (cluster: TestCluster, namespace: string): Promise<void> => {
  await cluster.kubectl(['--namespace', namespace, 'apply', '--kustomize', join(K8S, 'workflow-rights')]);
};
