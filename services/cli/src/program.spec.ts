import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from './program.js';

const leavesOf = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap((child) => leavesOf(child));

const nameOf = (command: Command): string =>
  [command.parent?.parent ? command.parent.name() : '', command.name()].join(' ').trim();

const helpOf = (command: Command): string => {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
};

describe('the help', () => {
  it.each(leavesOf(createProgram()).map((command) => [nameOf(command), command] as const))(
    'describes %s, with an example',
    (name, command) => {
      expect(command.description()).not.toBe('');
      expect(helpOf(command)).toMatch(new RegExp(`Examples?:\\n[\\s\\S]*argosy .*${name.split(' ').at(-1)}`));
    },
  );
});
