import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';

import { ArtifactTransfer } from '#libs/artifacts';
import { ConfigError, type ConfigOf, loadConfig, processEnvironment } from '#libs/config';
import { createPodExecution, type PodExecution } from '#libs/execution';
import type { Logger } from '#libs/observability';
import { TransientError, UserError } from '#libs/workflow-spec';

import { parseCommand, USAGE, type ExecutorCommand } from './command-line.js';
import { DirectoryPodFiles } from './directory-pod-files.js';
import { EndOfGrace, GraceOverError } from './end-of-grace.js';
import { UsageError } from './errors.js';
import { openExecutorDrivers } from './executor-drivers.js';
import { configSchema } from './executor.config.js';
import { captureInPod, podOfEnvironment, reportInPod, stageInPod } from './pod/run-in-pod.js';
import { readPodDescription } from './pod-description.js';

/** How the executor ends. 64 is what Argo's executor ends with; 75 is the system's code for "try again", 143 that of SIGTERM. */
export const ExitCode = { Done: 0, Bug: 1, Usage: 2, Failed: 64, TryAgain: 75, GraceOver: 143 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const LOADING: ReadonlySet<string> = new Set(['init', 'stage']);

/** Where the executor writes: the report to `stdout`, messages to `stderr`. */
export interface ExecutorOutput {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
}

/** Does what the arguments ask and gives the exit code; never throws. Repeating it has the same result. */
export async function runExecutor(args: readonly string[], output: ExecutorOutput): Promise<ExitCode> {
  try {
    return await perform(parseCommand(args), output);
  } catch (error) {
    const exitCode = exitCodeFor(error);
    const text = exitCode === ExitCode.Bug ? String((error as Error).stack) : (error as Error).message;
    output.stderr.write(`${text}\n${error instanceof UsageError ? USAGE : ''}`);
    return exitCode;
  }
}

async function perform(command: ExecutorCommand, output: ExecutorOutput): Promise<ExitCode> {
  if (command.verb === 'progress') {
    const { tellProgress } = await import('./pod/tell-progress.js');
    await tellProgress(processEnvironment());
    return ExitCode.Done;
  }
  const config = loadConfig(configSchema);
  const logger = await openLogger(config);
  const drivers = openExecutorDrivers(config);
  // Staging leaves nothing in any store: SIGTERM ends it at once.
  const grace = LOADING.has(command.verb) ? undefined : new EndOfGrace({ nowMs: () => Date.now() }, config.askedToEndAt);
  const execution = createPodExecution(new ArtifactTransfer(drivers, undefined, grace?.signal));
  try {
    if (command.verb === 'init' || command.verb === 'wait' || command.verb === 'result')
      return await performInPod(command, { execution, output, grace });
    const manifest = await readPodDescription(command.podFile);
    grace?.setPeriod(manifest.work.terminationGracePeriodSeconds);
    if (command.verb === 'capture') return await capture(command, { manifest, execution, output, logger });
    await execution.stage(manifest, new DirectoryPodFiles(command));
    logger?.info('inputs staged', { node: manifest.work.nodeId, artifacts: manifest.work.inputArtifacts.length });
    return ExitCode.Done;
  } finally {
    grace?.close();
    drivers.close();
  }
}

/** Nothing of logging is loaded where nothing is logged, as in the pods of a cluster. */
async function openLogger({
  logLevel: level,
  logFormat: format,
}: Pick<ConfigOf<typeof configSchema>, 'logLevel' | 'logFormat'>): Promise<Pick<Logger, 'info'> | undefined> {
  if (level === 'silent') return undefined;
  const { createLogger } = await import('#libs/observability');
  return createLogger({ program: 'executor', level, format });
}

async function performInPod(
  command: ExecutorCommand & { verb: 'init' | 'wait' | 'result' },
  { execution, output, grace }: { execution: PodExecution; output: ExecutorOutput; grace: EndOfGrace | undefined },
): Promise<ExitCode> {
  const pod = podOfEnvironment(processEnvironment());
  grace?.setPeriod(pod.work.terminationGracePeriodSeconds);
  if (command.verb === 'init') {
    await stageInPod(pod, execution);
    return ExitCode.Done;
  }
  if (command.verb === 'result') {
    const { storeTaskResult } = await import('./pod/task-result.js');
    output.stdout.write(await storeTaskResult(pod, await reportInPod(pod, execution, command.reportFile), processEnvironment()));
    return ExitCode.Done;
  }
  const missing = await captureInPod(pod, execution, command.reportFile);
  if (missing === undefined) return ExitCode.Done;
  output.stderr.write(`${missing}\n`);
  return ExitCode.Failed;
}

interface CaptureMeans {
  manifest: Awaited<ReturnType<typeof readPodDescription>>;
  execution: PodExecution;
  output: ExecutorOutput;
  logger: Pick<Logger, 'info'> | undefined;
}

/** The report goes to its file by rename, so whoever waits for it never reads half of it. */
async function capture(command: ExecutorCommand & { verb: 'capture' }, means: CaptureMeans): Promise<ExitCode> {
  const { manifest, execution, output, logger } = means;
  const nowMs = Date.now();
  const exit = { exitCode: command.exitCode, startedAtMs: nowMs, finishedAtMs: nowMs };
  const report = await execution.capture(manifest, new DirectoryPodFiles(command), exit);
  const text = `${JSON.stringify(report)}\n`;
  if (command.reportFile === undefined) output.stdout.write(text);
  else {
    const upload = `${command.reportFile}.${randomUUID()}`;
    await writeFile(upload, text);
    await rename(upload, command.reportFile);
  }
  logger?.info('outputs captured', { node: manifest.work.nodeId, artifacts: report.outputs.artifacts?.length ?? 0 });
  if (report.error === undefined) return ExitCode.Done;
  output.stderr.write(`${report.error}\n`);
  return ExitCode.Failed;
}

function exitCodeFor(error: unknown): ExitCode {
  if (error instanceof UsageError || error instanceof ConfigError) return ExitCode.Usage;
  if (error instanceof TransientError) return ExitCode.TryAgain;
  if (error instanceof GraceOverError) return ExitCode.GraceOver;
  return error instanceof UserError ? ExitCode.Failed : ExitCode.Bug;
}
