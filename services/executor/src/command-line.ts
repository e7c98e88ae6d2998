import { parseArgs } from 'node:util';

import { UsageError } from './errors.js';

export const USAGE = `usage:
  executor stage   --pod <file> --root <folder>
  executor capture --pod <file> --root <folder> --exit-code <n> --stdout <file> [--logs <folder>] [--report <file>]
  executor init                    in the container init of a pod
  executor wait --report <file>    in its container wait
  executor progress                there, prints nothing: what the progress file says goes to the pod's annotation
  executor result --report <file>  there, where the report is too large for a termination message: prints the UID of the WorkflowTaskResult that has it
`;

/** What is asked of the executor. Paths are of the host. */
export type ExecutorCommand =
  | { verb: 'init' }
  | { verb: 'progress' }
  | { verb: 'wait'; reportFile: string }
  | { verb: 'result'; reportFile: string }
  | { verb: 'stage'; podFile: string; rootFolder: string }
  | {
      verb: 'capture';
      podFile: string;
      rootFolder: string;
      exitCode: number;
      stdoutFile: string;
      logsFolder?: string;
      reportFile?: string;
    };

const OPTIONS = {
  pod: { type: 'string' },
  root: { type: 'string' },
  'exit-code': { type: 'string' },
  stdout: { type: 'string' },
  logs: { type: 'string' },
  report: { type: 'string' },
} as const;
type Values = { [Name in keyof typeof OPTIONS]?: string };
const OF_STAGE = ['pod', 'root'];

/** Reads the arguments after the program's name; throws UsageError for anything unknown, missing or out of range. */
export function parseCommand(args: readonly string[]): ExecutorCommand {
  const { values, positionals } = parsed(args);
  const [verb, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unexpected argument "${rest[0]}"`);
  if (verb === 'init' || verb === 'progress' || verb === 'wait' || verb === 'result') return commandInPod(verb, values);
  const common = { podFile: required(values, 'pod'), rootFolder: required(values, 'root') };
  if (verb === 'stage') {
    const foreign = Object.keys(values).find((name) => !OF_STAGE.includes(name));
    if (foreign !== undefined) throw new UsageError(`--${foreign} has no meaning for stage`);
    return { verb, ...common };
  }
  if (verb !== 'capture') throw new UsageError(verb === undefined ? 'stage or capture is required' : `unknown command "${verb}"`);
  return {
    verb,
    ...common,
    exitCode: exitCodeFrom(required(values, 'exit-code')),
    stdoutFile: required(values, 'stdout'),
    ...(values.logs === undefined ? {} : { logsFolder: values.logs }),
    ...(values.report === undefined ? {} : { reportFile: values.report }),
  };
}

function commandInPod(verb: 'init' | 'progress' | 'wait' | 'result', values: Values): ExecutorCommand {
  const hasReport = verb === 'wait' || verb === 'result';
  const foreign = Object.keys(values).find((name) => !hasReport || name !== 'report');
  if (foreign !== undefined) throw new UsageError(`--${foreign} has no meaning for ${verb}`);
  return hasReport ? { verb, reportFile: required(values, 'report') } : { verb };
}

function parsed(args: readonly string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function required(values: Values, name: keyof typeof OPTIONS): string {
  const value = values[name];
  if (value === undefined || value === '') throw new UsageError(`--${name} is required`);
  return value;
}

function exitCodeFrom(text: string): number {
  const exitCode = Number(text);
  if (!/^\d{1,3}$/.test(text) || exitCode > 255) throw new UsageError(`--exit-code must be 0 to 255, not "${text}"`);
  return exitCode;
}
