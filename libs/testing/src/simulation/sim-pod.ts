import type { ContainerReport, PodOrder, PodReport } from '#libs/engine';
import { playSim } from '#libs/runtimes';
import type { Outputs, Parameter } from '#libs/workflow-spec';

/** A pod of the image `sim` as it will have been played: its end, and how long it takes. */
export interface PlayedPod {
  report: PodReport;
  durationMs: number;
  /** What is said of it while it runs; a ready one is a daemon, which goes on until it is ended. */
  running?: Pick<PodReport, 'ready' | 'podIP' | 'containers'>;
}

const endMessage = (exitCode: number): string => `main: Error (exit code ${exitCode})`;

const parameterOf = (parameter: Parameter, files: ReadonlyMap<string, string>): Parameter | undefined => {
  const path = parameter.valueFrom?.path;
  if (path === undefined) return undefined;
  const written = files.get(path);
  const value = written === undefined ? parameter.valueFrom?.default : written.replace(/\n$/, '');
  return value === undefined ? undefined : { ...parameter, value };
};

/** Plays the members of a set, each when those that it depends on have succeeded; the longest way through decides how long it takes. */
const playSet = ({ nodeId, incarnation, template, captureResult }: PodOrder): PlayedPod => {
  const ends = new Map<string, { report: ContainerReport; endMs: number }>();
  let result: string | undefined;
  for (const { name = '', dependencies = [], args = [] } of template.containerSet?.containers ?? []) {
    const before = dependencies.flatMap((each) => ends.get(each) ?? []);
    const startMs = Math.max(0, ...before.map(({ endMs }) => endMs));
    if (before.some(({ report }) => report.phase === 'Failed')) {
      ends.set(name, { report: { name, phase: 'Failed', exitCode: 64 }, endMs: startMs });
      continue;
    }
    const played = playSim([...args]);
    if (name === 'main' && captureResult) result = played.lines.join('\n');
    const phase = played.exitCode === 0 ? 'Succeeded' : 'Failed';
    ends.set(name, { report: { name, phase, exitCode: played.exitCode }, endMs: startMs + played.durationMs });
  }
  return endOfSet({ nodeId, incarnation }, [...ends.values()], result);
};

const endOfSet = (
  identity: Pick<PodReport, 'nodeId' | 'incarnation'>,
  ends: readonly { report: ContainerReport; endMs: number }[],
  result: string | undefined,
): PlayedPod => {
  const reports = ends.map(({ report }) => report);
  const failed = reports.find(({ phase }) => phase === 'Failed');
  return {
    durationMs: Math.max(1, ...ends.map(({ endMs }) => endMs)),
    report: {
      ...identity,
      phase: failed === undefined ? 'Succeeded' : 'Failed',
      exitCode: failed?.exitCode ?? 0,
      containers: reports,
      ...(failed === undefined ? {} : { message: `${failed.name}: Error (exit code ${String(failed.exitCode)})` }),
      ...(result === undefined ? {} : { outputs: { result } }),
    },
  };
};

/** The body of a request and the call of a plugin say how they end. */
const wordsOf = ({ http, plugin }: PodOrder['template']): string[] => {
  const [call] = Object.values(plugin ?? {}) as { body?: unknown }[];
  const body = http?.body ?? call?.body;
  return typeof body === 'string' ? body.split(' ') : [];
};

/** Plays the pod of an order: exit code, captured result and output parameters as a real executor reports them. */
export const playPod = (order: PodOrder): PlayedPod => {
  if (order.template.containerSet !== undefined) return playSet(order);
  const container = order.template.container ?? order.template.script;
  const played = playSim([...(container?.args ?? wordsOf(order.template))]);
  const parameters = (order.template.outputs?.parameters ?? []).flatMap(
    (parameter) => parameterOf(parameter, played.files) ?? [],
  );
  const outputs: Outputs = {
    ...(order.captureResult ? { result: played.lines.join('\n') } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
  };
  const failed = played.exitCode !== 0;
  return {
    durationMs: Math.max(1, played.durationMs),
    ...(order.template.daemon === true ? { running: { ready: true, podIP: '10.0.0.1' } } : {}),
    report: {
      nodeId: order.nodeId,
      incarnation: order.incarnation,
      phase: failed ? 'Failed' : 'Succeeded',
      exitCode: played.exitCode,
      ...(failed ? { message: endMessage(played.exitCode) } : {}),
      ...(Object.keys(outputs).length === 0 ? {} : { outputs }),
    },
  };
};
