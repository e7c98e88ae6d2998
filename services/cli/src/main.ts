import 'reflect-metadata';
import { CommanderError } from 'commander';
import { ConfigError } from '#libs/config';
import { TransientError, UserError } from '#libs/workflow-spec';
import { UsageError } from './client/errors.js';
import { ExitCodeError } from './commands/context.js';
import { createProgram } from './program.js';

/** Exit codes: 0 done, 1 it failed or the workflow did, 2 the command was used wrongly. */
const exitCodeOf = (error: unknown): number => {
  if (error instanceof ExitCodeError) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    process.stderr.write(`argosy: ${error.message}\n`);
    return 2;
  }
  if (error instanceof UserError || error instanceof TransientError || error instanceof ConfigError) {
    process.stderr.write(`argosy: ${error.message}\n`);
    return 1;
  }
  process.stderr.write(`argosy: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
};

// A reader such as `head` may close the pipe before all is written: that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
