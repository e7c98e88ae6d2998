import { Command } from 'commander';
import { addActions } from './commands/actions.js';
import { addArchive } from './commands/archive.js';
import { collect } from './commands/context.js';
import { addDoctor } from './commands/doctor.js';
import { addEval } from './commands/eval.js';
import { addExecutorPlugin } from './commands/executor-plugin.js';
import { addFiles } from './commands/files.js';
import { addFsck } from './commands/fsck.js';
import { addLint } from './commands/lint.js';
import { addList } from './commands/list.js';
import { addMigrate } from './commands/migrate.js';
import { addApply } from './commands/resources.js';
import { addShow } from './commands/show.js';
import { addStack } from './commands/stack.js';
import { addSubmit } from './commands/submit.js';
import { addSync } from './commands/sync.js';
import { addTemplates } from './commands/templates.js';
import { addVersion } from './commands/version.js';

/** The command line: Argo's verbs, and those that run the whole engine in one process. */
export const createProgram = (): Command => {
  const program = new Command('argosy')
    .description("Runs Argo Workflows' YAML: as services, or all in one process")
    .option('-s, --argo-server <host:port>', 'server; default ARGO_SERVER, else localhost:2746')
    .option('-e, --secure', 'the server speaks TLS; default ARGO_SECURE')
    .option('-k, --insecure-skip-verify', 'do not check the certificate of the server')
    .option('--argo-base-href <path>', 'path below which the server serves')
    .option('--token <token>', 'token for the server; default ARGO_TOKEN')
    .option('-H, --header <header>', 'header for every request, "name: value"; may be repeated', collect)
    .option('-n, --namespace <name>', 'namespace; default ARGO_NAMESPACE, else default')
    .option('--instanceid <id>', 'value of the instance label')
    .option('--no-color', 'without colours')
    .option('--no-utf8', 'words instead of symbols')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .showHelpAfterError('(argosy --help lists the commands)')
    .exitOverride();
  addStack(program);
  addSubmit(program);
  addList(program);
  addShow(program);
  addActions(program);
  addLint(program);
  addEval(program);
  addFiles(program);
  addExecutorPlugin(program);
  addApply(program);
  addTemplates(program);
  addArchive(program);
  addSync(program);
  addFsck(program);
  addDoctor(program);
  addMigrate(program);
  addVersion(program);
  return program;
};
