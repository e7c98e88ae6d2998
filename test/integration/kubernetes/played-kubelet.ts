import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import type { ApiObject, KubernetesApi } from '#libs/kubernetes';
import { ExecutorVariable, longTextOf, type PodWork } from '#libs/pod-spec';
import { playSim, type SimPlay } from '#libs/runtimes';
import type { KubernetesObject, Outputs, Parameter, Template } from '#libs/workflow-spec';

interface Container {
  name: string;
  args?: string[];
  env?: (KubernetesObject & { name: string; value?: string })[];
}

const PODS = { apiVersion: 'v1', plural: 'pods' } as const;
const LOOK_MS = 150;
const NODE_NAME = 'workflows.argoproj.io/node-name';
const NODE = 'workflows.argoproj.io/node-id';

/** Plays the kubelet and the executor, ours and Argo's, for the pods of the image `sim` that no node has. */
export class PlayedKubelet {
  /** Pods of nodes with these names go on running. */
  readonly held = new Set<string>();
  private isEnding = false;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly api: KubernetesApi,
    private readonly namespace: string,
  ) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.isEnding = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isEnding) {
      for await (const { items } of this.api.pages<ApiObject>({ ...PODS, namespace: this.namespace })) {
        for (const pod of items) {
          if (!hasEnded(pod) && !this.held.has(pod.metadata.annotations?.[NODE_NAME] ?? '')) await this.play(pod);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  private async play(pod: ApiObject): Promise<void> {
    const containers = containersOf(pod);
    const played = playSim(argsOf(containers));
    const wait = containers.find(({ name }) => name === 'wait');
    const said = wait === undefined ? undefined : await this.report(pod, wait, played);
    const place = { ...PODS, namespace: this.namespace, name: pod.metadata.name };
    const status = endStatus(containers, played.exitCode, said);
    await this.api.patch({ ...place, subresource: 'status' }, { status }, { type: 'merge' }).catch((error: unknown) => {
      if (!(error instanceof Error) || !/not found/.test(error.message)) throw error;
    });
  }

  /** Gives the termination message of `wait`. */
  private async report(pod: ApiObject, wait: Container, played: SimPlay): Promise<string> {
    const work = longTextOf(ExecutorVariable.pod, wait.env ?? []);
    if (work !== undefined) {
      const order = (JSON.parse(work) as { work: PodWork }).work;
      return reportText(
        outputsOf({ parameters: order.outputParameters, isResultWanted: order.captureResult, isKept: false }, played),
      );
    }
    const { initContainers = [] } = pod['spec'] as unknown as { initContainers?: Container[] };
    const variables = initContainers.flatMap(({ env = [] }) => env);
    const template = JSON.parse(variables.find(({ name }) => name === 'ARGO_TEMPLATE')?.value ?? '{}') as Template;
    const main = containersOf(pod).find(({ name }) => name === 'main');
    const isResultWanted = (main?.env ?? []).some(({ name, value }) => name === 'ARGO_INCLUDE_SCRIPT_OUTPUT' && value === 'true');
    await this.leaveTaskResult(
      pod,
      outputsOf({ parameters: template.outputs?.parameters ?? [], isResultWanted, isKept: true }, played),
    );
    return '';
  }

  private async leaveTaskResult({ metadata }: ApiObject, outputs: Outputs): Promise<void> {
    const object = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'WorkflowTaskResult',
      metadata: {
        name: metadata.annotations?.[NODE] ?? '',
        labels: { 'workflows.argoproj.io/report-outputs-completed': 'true' },
      },
      outputs,
    };
    const place = { apiVersion: 'argoproj.io/v1alpha1', plural: 'workflowtaskresults', namespace: this.namespace };
    await this.api.create(place, object);
  }
}

const containersOf = (pod: ApiObject): Container[] => (pod['spec'] as unknown as { containers: Container[] }).containers;

const hasEnded = (pod: ApiObject): boolean => /^(Succeeded|Failed)$/.test((pod['status'] as { phase?: string }).phase ?? '');

/** Ours run behind a wrapper whose last words are the program and its arguments; Argo's keep them as they were. */
const argsOf = (containers: readonly Container[]): string[] => {
  const args = containers.find(({ name }) => name === 'main')?.args ?? [];
  return args.slice(args.lastIndexOf('sim') + 1);
};

interface WantedOutputs {
  parameters: readonly Parameter[];
  isResultWanted: boolean;
  /** Parameters without a value are told, too: Argo's executor does. */
  isKept: boolean;
}

const outputsOf = ({ parameters, isResultWanted, isKept }: WantedOutputs, { files, lines }: SimPlay): Outputs => {
  const found = parameters.flatMap((parameter): Parameter[] => {
    const value = files.get(parameter.valueFrom?.path ?? '') ?? parameter.valueFrom?.default;
    if (value === undefined) return isKept ? [parameter] : [];
    return [{ ...parameter, value }];
  });
  return {
    ...(found.length === 0 ? {} : { parameters: found }),
    ...(isResultWanted ? { result: lines.join('\n') } : {}),
  };
};

const reportText = async (outputs: Outputs): Promise<string> => {
  const pack = tar.pack();
  pack.entry({ name: 'report.json' }, JSON.stringify({ outputs }));
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  const text = gzipSync(Buffer.concat(chunks)).toString('base64');
  return `argosy report ${text.length} ${text}`;
};

const endStatus = (containers: readonly Container[], exitCode: number, said: string | undefined): object => {
  const now = new Date().toISOString();
  const ended = (name: string): object => {
    const code = name === 'main' ? exitCode : 0;
    const message = name === 'wait' && said ? { message: said } : {};
    const terminated = {
      exitCode: code,
      reason: code === 0 ? 'Completed' : 'Error',
      startedAt: now,
      finishedAt: now,
      ...message,
    };
    return { name, image: 'sim', imageID: 'sim', ready: false, restartCount: 0, state: { terminated } };
  };
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    startTime: now,
    containerStatuses: containers.map(({ name }) => ended(name)),
  };
};
