import { open } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';

import type { PodManifest } from '#libs/pod-spec';
import { PermanentError, TransientError, UserError, type Artifact, type Outputs, type Parameter } from '#libs/workflow-spec';

import { ownershipMark, placeOutput, outputFileName, outputPath } from './artifact-location.js';
import { isOnVolume, loggedContainers } from './container-paths.js';
import { OutputError } from './errors.js';
import { LogMark, logMarks } from './logs/log-objects.js';
import { placeLog } from './logs/log-place.js';
import { LogTimes } from './logs/log-times.js';
import type { ArtifactTransfer, PodExit, PodFiles } from './pod-files.js';

/** Argo keeps the last 256 KiB of a result (v4.1 `CaptureScriptResult`). */
const MAX_RESULT_BYTES = 256 * 1024;
/** Argo's bound is that of the objects of its cluster, about 1 MiB; ours is explicit. */
const MAX_PARAMETER_BYTES = 1024 * 1024;

/** What an ended pod left. `error` is set where `main` ended well but an output is missing or could not be saved. */
export interface CaptureResult {
  outputs: Outputs;
  error?: string;
}

/** What a capture works on. */
export interface CaptureScope {
  manifest: PodManifest;
  files: PodFiles;
  transfer: ArtifactTransfer;
}

/**
 * Reads result, parameters, artifacts and logs of an ended pod, in Argo's order and also after a failure of `main`. One that
 * fails does not keep the others from being saved; the first message counts (`wait: Error (exit code 64): …`), and none does
 * where `main` has failed itself. TransientError passes through: the whole capture is then repeated, overwriting its objects.
 */
export async function captureOutputs(scope: CaptureScope, exit: PodExit): Promise<CaptureResult> {
  const { work } = scope.manifest;
  const errors: string[] = [];
  const outputs: Outputs = {};
  if (work.captureResult) outputs.result = await readResult(scope.files);
  if (work.outputParameters.length > 0) outputs.parameters = await readParameters(scope, errors);
  const artifacts = [...(await saveArtifacts(scope, errors)), ...(work.archiveLogs ? await saveLogs(scope, errors) : [])];
  if (artifacts.length > 0) outputs.artifacts = artifacts;
  const [first] = errors;
  return first === undefined || exit.exitCode !== 0 ? { outputs } : { outputs, error: `wait: Error (exit code 64): ${first}` };
}

/** One trailing newline is dropped, then the last 256 KiB are kept. NUL characters cannot be stored and are replaced. */
async function readResult(files: PodFiles): Promise<string> {
  const tail = await files.stdoutTail(MAX_RESULT_BYTES + 1);
  const trimmed = tail.at(-1) === 0x0a ? tail.subarray(0, -1) : tail;
  return storableText(trimmed.subarray(Math.max(0, trimmed.length - MAX_RESULT_BYTES)));
}

async function readParameters(scope: CaptureScope, errors: string[]): Promise<Parameter[]> {
  const parameters: Parameter[] = [];
  // Argo stops at the first parameter that fails; those after it are reported without a value.
  let failed = false;
  for (const parameter of scope.manifest.work.outputParameters) {
    const value: string | undefined | typeof FAILED = failed
      ? undefined
      : await collect(errors, () => parameterValue(parameter, scope));
    failed ||= value === FAILED;
    parameters.push(typeof value === 'string' ? { ...parameter, value } : parameter);
  }
  return parameters;
}

async function parameterValue(parameter: Parameter, scope: CaptureScope): Promise<string | undefined> {
  const source = parameter.valueFrom;
  if (source?.path === undefined || source.path === '') return undefined;
  try {
    return (await readParameter(source.path, scope)).replace(/\n$/, '');
  } catch (error) {
    if (source.default === undefined || !(error instanceof OutputError)) throw error;
    return String(source.default).replace(/\n$/, '');
  }
}

async function readParameter(containerPath: string, { manifest, files }: CaptureScope): Promise<string> {
  const shown = isOnVolume(containerPath, manifest)
    ? `/mainctrfs${containerPath}`
    : `/var/run/argo/outputs/parameters${containerPath}`;
  const hostPath = await files.capturedPath(containerPath);
  if (hostPath === null) throw new OutputError(`open ${shown}: no such file or directory`);
  const handle = await open(hostPath, 'r');
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new OutputError(`read ${shown}: is a directory`);
    if (!stats.isFile()) throw new OutputError(`open ${shown}: not a regular file`);
    if (stats.size > MAX_PARAMETER_BYTES) throw new OutputError(`read ${shown}: larger than ${MAX_PARAMETER_BYTES} bytes`);
    return storableText(await handle.readFile());
  } finally {
    await handle.close();
  }
}

async function saveArtifacts(scope: CaptureScope, errors: string[]): Promise<Artifact[]> {
  const saved: Artifact[] = [];
  const failures: string[] = [];
  for (const artifact of scope.manifest.work.outputArtifacts) {
    const reported = await collect(failures, () => saveArtifact(artifact, scope));
    if (reported !== undefined && reported !== FAILED) saved.push(reported);
  }
  // Argo joins the failures of artifacts, each with this ending.
  if (failures.length > 0) errors.push(failures.map((failure) => `${failure}; `).join(''));
  return saved;
}

/** What is reported of a saved artifact; undefined where an optional one was not made. */
async function saveArtifact(artifact: Artifact, scope: CaptureScope): Promise<Artifact | undefined> {
  const { work } = scope.manifest;
  const containerPath = outputPath(artifact);
  const hostPath = await scope.files.capturedPath(containerPath);
  if (hostPath === null) {
    if (artifact.optional === true) return undefined;
    throw new OutputError(missingArtifact(artifact, containerPath, scope.manifest));
  }
  const { reported, location } = placeOutput(artifact, work, outputFileName(artifact));
  await scope.transfer.save({
    location,
    namespace: work.workflowNamespace,
    hostPath,
    entryName: path.posix.basename(containerPath) || artifact.name,
    metadata: ownershipMark(work),
    ...(artifact.archive === undefined ? {} : { archive: artifact.archive }),
  });
  return reported;
}

function missingArtifact(artifact: Artifact, containerPath: string, manifest: PodManifest): string {
  if (!isOnVolume(containerPath, manifest))
    return `open /var/run/argo/outputs/artifacts${containerPath}.tgz: no such file or directory`;
  if (artifact.archive?.none !== undefined) return `${containerPath} no such file or directory`;
  return `stat /mainctrfs${containerPath}: no such file or directory`;
}

async function saveLogs(scope: CaptureScope, errors: string[]): Promise<Artifact[]> {
  const saved: Artifact[] = [];
  for (const container of loggedContainers(scope.manifest)) {
    const reported = await collect(errors, () => saveLog(container, scope));
    if (reported !== FAILED) saved.push(reported);
  }
  return saved;
}

async function saveLog(container: string, { manifest, files, transfer }: CaptureScope): Promise<Artifact> {
  const { reported, place } = placeLog(container, manifest);
  const times = new LogTimes(files.logTimes?.(container));
  const body = Readable.from(files.readLog(container), { objectMode: false });
  await transfer.saveBytes({
    location: place.location,
    namespace: place.namespace,
    body,
    metadata: { ...logMarks(place, times.text()), [LogMark.complete]: 'true' },
  });
  return reported;
}

const FAILED = Symbol('failed');

/** Runs one output; a failure that repeating cannot mend becomes a message, a store that is away passes through. */
async function collect<T>(errors: string[], action: () => Promise<T>): Promise<T | typeof FAILED> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof TransientError || !isAboutOutput(error)) throw error;
    errors.push(error.message);
    return FAILED;
  }
}

/** Our own classes and what the file system says; anything else is a bug and must not look like the user's fault. */
function isAboutOutput(error: unknown): error is Error {
  return (
    error instanceof UserError ||
    error instanceof PermanentError ||
    (error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string')
  );
}

function storableText(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll('\0', '\ufffd');
}
