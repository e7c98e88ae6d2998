import type { Command } from 'commander';
import { contextOf, ExitCodeError } from './context.js';

interface ConfigFacts {
  keys: string[];
  notes: string[];
  problems: string[];
  resourceVersion?: string;
}

/** Lines about the controller's configuration; the last one says what to do where something is wrong. */
export const configLines = ({ keys, notes, problems, resourceVersion }: ConfigFacts): string[] => {
  const effect =
    resourceVersion === undefined
      ? 'no ConfigMap of the controller: defaults and variables are in effect'
      : `ConfigMap of the controller, version ${resourceVersion}: ${keys.join(', ') || 'empty'}`;
  return [
    effect,
    ...notes.map((note) => `  note: ${note}`),
    ...problems.map((problem) => `  problem: ${problem}`),
    ...(problems.length === 0 ? [] : ['  the last good configuration stays in effect until these are repaired']),
  ];
};

/** `doctor`: what of the installation's configuration needs a hand. */
export const addDoctor = (program: Command): void => {
  program
    .command('doctor')
    .description(
      'say which configuration of the controller is in effect and what is wrong with it; exit code 1 where something is',
    )
    .addHelpText('after', '\nExample:\n  argosy doctor')
    .action(async (_flags: unknown, command: Command) => {
      const context = contextOf(command);
      const facts = await context.client.get<ConfigFacts>('/api/argosy/v1/controller-config');
      context.out(configLines(facts).join('\n'));
      if (facts.problems.length > 0) throw new ExitCodeError(1);
    });
};
