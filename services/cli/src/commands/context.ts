import type { Command } from 'commander';
import { UsageError } from '../client/errors.js';
import { ApiClient } from '../client/api-client.js';
import { readCliConfig } from '../cli.config.js';
import { type AddressFlags, serverAddressOf } from '../client/server-address.js';
import type { TextStyle } from '../output/icons.js';

/** Flags that every command has. */
interface GlobalFlags extends AddressFlags {
  namespace?: string | undefined;
  instanceid?: string | undefined;
  color?: boolean | undefined;
  utf8?: boolean | undefined;
}

/** What a command works with: the server, the namespace, where text goes. */
export interface CommandContext {
  client: ApiClient;
  namespace: string;
  instanceId: string | undefined;
  style: TextStyle;
  out(text: string): void;
}

export const contextOf = (command: Command): CommandContext => {
  const flags: GlobalFlags = command.optsWithGlobals();
  const config = readCliConfig();
  return {
    client: new ApiClient(serverAddressOf(flags, config)),
    namespace: flags.namespace ?? config.argoNamespace ?? 'default',
    instanceId: flags.instanceid ?? config.argoInstanceid,
    style: { colour: flags.color !== false && process.stdout.isTTY === true, utf8: flags.utf8 !== false },
    out: (text) => {
      if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
  };
};

/** Flags that may be given several times. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** One of the words that a flag takes. Throws UsageError naming the flag. */
export const wordOf = <Word extends string>(
  flag: string,
  words: readonly Word[],
  given: string | undefined,
): Word | undefined => {
  if (given === undefined) return undefined;
  const word = words.find((candidate) => candidate === given);
  if (word === undefined) throw new UsageError(`${flag} takes ${words.join(', ')}, not ${given}`);
  return word;
};

/** A number of 0 or more, without a fraction. Throws UsageError naming the flag. */
export const wholeNumberOf = (flag: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new UsageError(`${flag} takes a whole number, not ${text}`);
  return value;
};

/** Ends the command with an exit code after its text is written; 1: the workflow did not succeed. */
export class ExitCodeError extends Error {
  constructor(readonly exitCode: number) {
    super(`exit code ${exitCode}`);
  }
}
