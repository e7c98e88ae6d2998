import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { buildPod, type PodManifest, type PodWork } from '#libs/pod-spec';
import type { Container, KubernetesObject, Template } from '#libs/workflow-spec';

/** The image whose arguments say what it does; every runtime under test knows it. */
export const SIM_IMAGE = 'sim';

const SIM_PROGRAM = `#!/bin/sh
code=0
for argument in "$@"; do
  value=\${argument#*=}
  case $argument in
    exit=*) code=$value ;;
    ms=*) sleep "$((value / 1000)).$(printf %03d $((value % 1000)))" ;;
    result=*) printf '%s\\n' "$value" ;;
    out.*=*) name=\${argument%%=*}; printf '%s' "$value" > "/tmp/\${name#out.}" ;;
  esac
done
exit "$code"
`;

/** Writes the program \`sim\` below a folder, as the root of its image, and gives that folder. */
export function makeSimImage(folder: string): string {
  const programs = join(folder, 'usr', 'local', 'bin');
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, 'sim'), SIM_PROGRAM);
  chmodSync(join(programs, 'sim'), 0o755);
  return folder;
}

export interface SimPodOptions {
  workflowUid?: string;
  nodeId?: string;
  incarnation?: number;
  template?: Partial<Template>;
  work?: Partial<PodWork>;
  activeDeadlineSeconds?: number;
  captureResult?: boolean;
}

/** A pod of the image \`sim\` with these arguments, as the scheduler would order it. */
export function simPod(args: string[], options: SimPodOptions = {}): PodManifest {
  const nodeId = options.nodeId ?? 'node-1';
  const pod = buildPod({
    order: {
      nodeId,
      nodeName: nodeId,
      incarnation: options.incarnation ?? 0,
      podName: nodeId,
      templateName: 'main',
      template: {
        name: 'main',
        container: { image: SIM_IMAGE, command: ['sim'], args },
        ...(options.activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds: options.activeDeadlineSeconds }),
        ...options.template,
      },
      captureResult: options.captureResult ?? false,
      onExit: false,
      labels: {},
      annotations: {},
    },
    workflow: { name: 'workflow', namespace: 'argo', uid: options.workflowUid ?? 'uid-1' },
    archiveLogs: false,
  });
  return { ...pod, work: { ...pod.work, ...options.work } };
}

/** A container of the image `sim` with these arguments. */
export function simContainer(name: string, args: string[]): Container {
  return { name, image: SIM_IMAGE, imagePullPolicy: 'Never', command: ['sim'], args };
}

/** A pod of these containers, of which those named in `work.mainContainers` (default: `main`) decide its end. */
export function simPodOf(
  parts: { containers: Container[]; initContainers?: Container[]; spec?: KubernetesObject },
  options: SimPodOptions = {},
): PodManifest {
  const pod = simPod([], options);
  const { containers, initContainers, spec } = parts;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...spec,
      containers: containers as unknown as KubernetesObject[],
      ...(initContainers === undefined ? {} : { initContainers: initContainers as unknown as KubernetesObject[] }),
    },
  };
}
