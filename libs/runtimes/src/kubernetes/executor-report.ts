import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

import tar from 'tar-stream';

import type { ExecutorPod, PodWork } from '#libs/pod-spec';
import type { Outputs, Parameter } from '#libs/workflow-spec';

import type { CaptureResult } from '../staging.js';

/** Argo keeps the last 256 KiB of a result. */
const MAX_RESULT_BYTES = 256 * 1024;
const MAX_PARAMETER_BYTES = 1024 * 1024;
const REPORT = /^argosy (report|log) (\d+)(?: (\S+))?$/;

const RESULT = /^argosy result (\S+)$/;

/** Where the report of `wait` is: in its termination message, in the WorkflowTaskResult of this UID, or in the last line of its log. */
export type ReportPlace =
  { type: 'here'; text: string } | { type: 'result'; uid: string } | { type: 'log'; length: number } | { type: 'missing' };

/** Reads the termination message of `wait`; one that the kubelet has cut counts as missing. */
export function reportPlace(message: string): ReportPlace {
  const uid = RESULT.exec(message.trim())?.[1];
  if (uid !== undefined) return { type: 'result', uid };
  const [, kind, size, text = ''] = REPORT.exec(message.trim()) ?? [];
  const length = Number(size);
  if (kind === 'log') return { type: 'log', length };
  return kind === 'report' && text.length === length ? { type: 'here', text } : { type: 'missing' };
}

/** The outputs of a report. What the executor's shell has left as files is read here; what its program has read is taken as it says. */
export async function decodeReport(text: string, { work, containers }: ExecutorPod): Promise<CaptureResult> {
  const files = await unpacked(Buffer.from(text, 'base64'));
  const written = files.get('report.json');
  if (typeof written === 'object') return JSON.parse(written.toString('utf8')) as CaptureResult;
  const trouble = files.get('trouble.txt');
  if (typeof trouble === 'object')
    return { outputs: {}, error: `wait: Error (exit code 64): ${trouble.toString('utf8').trim()}` };
  const outputs: Outputs = {};
  if (work.captureResult) outputs.result = resultText(files.get('result'));
  const { parameters, error } = parametersOf(work, files, mountsOf(work, containers));
  if (work.outputParameters.length > 0) outputs.parameters = parameters;
  return error === undefined ? { outputs } : { outputs, error: `wait: Error (exit code 64): ${error}` };
}

type Files = Map<string, Buffer | 'folder'>;

async function unpacked(bytes: Buffer): Promise<Files> {
  const files: Files = new Map();
  const extract = tar.extract();
  extract.end(await promisify(gunzip)(bytes));
  for await (const entry of extract) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const name = entry.header.name.replace(/^\.\//, '').replace(/\/$/, '');
    files.set(name, entry.header.type === 'directory' ? 'folder' : Buffer.concat(chunks));
  }
  return files;
}

/** One trailing newline is dropped, then the last 256 KiB are kept. */
function resultText(file: Buffer | 'folder' | undefined): string {
  if (file === undefined || file === 'folder') return '';
  const trimmed = file.at(-1) === 0x0a ? file.subarray(0, -1) : file;
  return storable(trimmed.subarray(Math.max(0, trimmed.length - MAX_RESULT_BYTES)));
}

const mountsOf = (work: PodWork, containers: ExecutorPod['containers']): string[] => {
  const output = work.mainContainers?.includes('main') === false ? work.mainContainers[0] : 'main';
  return containers.find(({ name }) => name === output)?.mounts.map(({ path }) => path) ?? [];
};

/** Argo stops at the first parameter that fails; those after it have no value. */
function parametersOf(work: PodWork, files: Files, mounts: readonly string[]): { parameters: Parameter[]; error?: string } {
  let error: string | undefined;
  const parameters = work.outputParameters.map((parameter, index): Parameter => {
    const path = parameter.valueFrom?.path;
    if (path === undefined || path === '' || error !== undefined) return parameter;
    const read = readParameter(files.get(`parameters/${index}`), path, mounts);
    if ('value' in read) return { ...parameter, value: read.value };
    const byDefault = parameter.valueFrom?.default;
    if (byDefault !== undefined) return { ...parameter, value: byDefault.replace(/\n$/, '') };
    ({ error } = read);
    return parameter;
  });
  return error === undefined ? { parameters } : { parameters, error };
}

function readParameter(
  file: Buffer | 'folder' | undefined,
  path: string,
  mounts: readonly string[],
): { value: string } | { error: string } {
  const isMounted = mounts.some((mount) => path === mount || path.startsWith(`${mount.replace(/\/+$/, '')}/`));
  const shown = isMounted ? `/mainctrfs${path}` : `/var/run/argo/outputs/parameters${path}`;
  if (file === undefined) return { error: `open ${shown}: no such file or directory` };
  if (file === 'folder') return { error: `read ${shown}: is a directory` };
  if (file.length > MAX_PARAMETER_BYTES) return { error: `read ${shown}: larger than ${MAX_PARAMETER_BYTES} bytes` };
  return { value: storable(file).replace(/\n$/, '') };
}

const storable = (bytes: Buffer): string => bytes.toString('utf8').replaceAll('\0', '\ufffd');
