import type { PodOrder, PodReport } from '#libs/engine';
import { playSim } from '#libs/runtimes';
import type { Outputs, Parameter } from '#libs/workflow-spec';

/** A pod of the image `sim` as it will have been played: its end, and how long it takes. */
export interface PlayedPod {
  report: PodReport;
  durationMs: number;
}

const endMessage = (exitCode: number): string => `main: Error (exit code ${exitCode})`;

const parameterOf = (parameter: Parameter, files: ReadonlyMap<string, string>): Parameter | undefined => {
  const path = parameter.valueFrom?.path;
  if (path === undefined) return undefined;
  const written = files.get(path);
  const value = written === undefined ? parameter.valueFrom?.default : written.replace(/\n$/, '');
  return value === undefined ? undefined : { ...parameter, value };
};

/** Plays the pod of an order: exit code, captured result and output parameters as a real executor reports them. */
export const playPod = (order: PodOrder): PlayedPod => {
  const container = order.template.container ?? order.template.script;
  const played = playSim([...(container?.args ?? [])]);
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
