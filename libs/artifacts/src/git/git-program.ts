import { spawn } from 'node:child_process';

import { TransientError } from '#libs/workflow-spec';

import { ArtifactAccessError } from '../errors.js';

const MAX_MESSAGE_CHARACTERS = 4096;
/** What git and ssh say where the other side is away; all else is taken for a refusal. */
const AWAY =
  /connection (refused|reset|timed out|closed)|operation timed out|failed to connect|early eof|hung up unexpectedly|returned error: (429|5\d\d)|network is unreachable|no route to host|rpc failed/i;

/** No name server knew the host at the moment; the message is git's. */
export class UnresolvedHostError extends ArtifactAccessError {}
const UNRESOLVED = /could not resolve host|temporary failure in name resolution|name or service not known/i;

/** How the program is called: in which folder, with which variables (and no others), until when. */
export interface GitCall {
  folder: string;
  variables: Readonly<Record<string, string>>;
  signal: AbortSignal | undefined;
}

/**
 * Runs `git` without a shell and gives its standard output. Throws TransientError where the other side is away, UnresolvedHostError, else
 * ArtifactAccessError with the end of what git said.
 */
export async function git(args: readonly string[], { folder, variables, signal }: GitCall): Promise<string> {
  const child = spawn('git', args, {
    cwd: folder,
    env: variables,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  let output = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-MAX_MESSAGE_CHARACTERS)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-MAX_MESSAGE_CHARACTERS)));
  const exitCode = await new Promise<number | null>((settle, refuse) => {
    child.once('error', refuse);
    child.once('close', settle);
  }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw new ArtifactAccessError(`the program git cannot be run: ${(error as Error).message}`, { cause: error });
  });
  if (exitCode === 0) return output;
  const message = `git ${args[0]}: ${withoutCredentials(complaint) || `exit code ${exitCode}`}`;
  if (UNRESOLVED.test(complaint)) throw new UnresolvedHostError(message);
  throw AWAY.test(complaint) || exitCode === null ? new TransientError(message) : new ArtifactAccessError(message);
}

function withoutCredentials(text: string): string {
  return text
    .replaceAll(/\/\/[^/\s@]*@/g, '//')
    .trim()
    .replaceAll(/\s*\n\s*/g, '; ');
}
