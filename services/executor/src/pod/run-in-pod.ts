import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { CaptureResult, PodExecution } from '#libs/execution';
import { type ExecutorPod, ExecutorVariable, longTextOf, outputContainerName, type PodManifest } from '#libs/pod-spec';
import { UserError } from '#libs/workflow-spec';

import { UsageError } from '../errors.js';
import { MountedPodFiles, type PodMounts } from './mounted-pod-files.js';

/** Where libs/pod-spec mounts things in the containers `init` and `wait`. */
const MOUNTS: Omit<PodMounts, 'busybox'> = {
  sharedFolder: '/var/run/argo',
  mirrorFolder: '/mainctrfs',
  inputsFolder: '/argo/inputs/artifacts',
  inputsVolume: 'input-artifacts',
  temporaryFolder: '/tmp/argosy-files',
};

const EXIT_BEFORE_BEGIN = 143;

/** What the executor was told of its pod, in variables. Throws UsageError where it was not. */
export function podOfEnvironment(environment: Readonly<Record<string, string | undefined>>): ExecutorPod {
  // The kubelet has read the escapes already.
  const variables = Object.entries(environment).map(([name, value]) => ({ name, value: (value ?? '').replaceAll('$', '$$$$') }));
  const text = longTextOf(ExecutorVariable.pod, variables);
  if (text === undefined) throw new UsageError(`${ExecutorVariable.pod}_0 is not set: this runs in the pods of a cluster`);
  return JSON.parse(text) as ExecutorPod;
}

/** Brings the input artifacts into the pod's volumes. The kubelet says whose message it is, so the message does not. */
export async function stageInPod(pod: ExecutorPod, execution: PodExecution): Promise<void> {
  try {
    await execution.stage(manifestOf(pod), filesOf(pod));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.message.replace(/^init: Error \(exit code 64\): /, ''), { cause: error });
  }
}

/** Captures after the end of the mains and writes the report, by rename. Gives the message of an output that is missing. */
export async function captureInPod(pod: ExecutorPod, execution: PodExecution, reportFile: string): Promise<string | undefined> {
  const nowMs = Date.now();
  const exit = { exitCode: await exitCodeOf(outputContainerName(pod.work)), startedAtMs: nowMs, finishedAtMs: nowMs };
  const report = await execution.capture(manifestOf(pod), filesOf(pod), exit);
  await writeFile(`${reportFile}.new`, JSON.stringify(report));
  await rename(`${reportFile}.new`, reportFile);
  return report.error;
}

/** The report that is there, else one that is made now. */
export async function reportInPod(pod: ExecutorPod, execution: PodExecution, reportFile: string): Promise<CaptureResult> {
  if (!existsSync(reportFile)) await captureInPod(pod, execution, reportFile);
  return JSON.parse(await readFile(reportFile, 'utf8')) as CaptureResult;
}

const filesOf = (pod: ExecutorPod): MountedPodFiles =>
  new MountedPodFiles(pod, { ...MOUNTS, busybox: path.join(MOUNTS.sharedFolder, 'busybox') });

/** As much of the manifest as staging and capture look at. */
const manifestOf = ({ work, containers }: ExecutorPod): PodManifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {},
  spec: {
    containers: containers.map(({ name, mounts }) => ({
      name,
      volumeMounts: mounts.map((mount) => ({ name: mount.volume, mountPath: mount.path })),
    })),
  },
  work,
});

async function exitCodeOf(container: string): Promise<number> {
  const text = await readFile(path.join(MOUNTS.sharedFolder, 'ctr', container, 'exitcode'), 'utf8').catch(() => '');
  return text === '' ? EXIT_BEFORE_BEGIN : Number(text);
}
