import 'reflect-metadata';
import { Command } from 'commander';
import { addActions } from '../../services/cli/src/commands/actions.js';

// What the recordings ask of Argo's own command line from within a step, done with our verbs; what it logs of itself is its own matter.
const program = new Command('argo').option('-n, --namespace <name>').option('--loglevel <level>');
addActions(program);
await program.parseAsync(process.argv);
