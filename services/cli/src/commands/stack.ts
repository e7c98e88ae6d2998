import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '#libs/observability';
import type { RuntimeChoice } from '#libs/runtimes';
import { UserError, type Workflow } from '#libs/workflow-spec';
import { ApiClient } from '../client/api-client.js';
import { WorkflowsApi } from '../client/workflows-api.js';
import type { EmbeddedOptions, EmbeddedStack } from '../embedded/embedded-stack.js';
import { readCliConfig } from '../cli.config.js';
import { type CommandContext, contextOf, wholeNumberOf, wordOf } from './context.js';
import { Progress } from './progress-line.js';
import { assertSucceeded, printLogs, viewOf } from './progress.js';
import { type SubmitFlags, submitOptionsOf, withSubmitFlags, workflowsOf } from './submit.js';

interface StackFlags {
  data?: string;
  runtime?: string;
  images?: string;
  maxPods?: string;
  host?: string;
  port?: string;
  authToken?: string;
  metricsPort?: string;
  logLevel?: string;
  queuesWrite?: boolean;
}

const RUNTIMES = ['auto', 'sandbox', 'docker', 'kubernetes', 'simulated'] as const satisfies readonly RuntimeChoice[];
const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const DEFAULT_PORT = 2746;

const withStackFlags = (command: Command): Command =>
  command
    .option('--runtime <name>', `what runs pods: ${RUNTIMES.join(', ')}`, 'auto')
    .option('--images <file>', 'YAML file that says what image names are: root folder, entrypoint, cmd')
    .option('--max-pods <count>', 'most pods at the same time')
    .option('--log-level <level>', `least severe log line on standard error: ${LEVELS.join(', ')}`, 'warn');

const stackOptions = (flags: StackFlags, dataDir: string, port: number): EmbeddedOptions => ({
  dataDir,
  runtime: wordOf('--runtime', RUNTIMES, flags.runtime) ?? 'auto',
  imagesFile: flags.images,
  maxPods: wholeNumberOf('--max-pods', flags.maxPods),
  host: flags.host,
  port: wholeNumberOf('--port', flags.port) ?? port,
  authToken: flags.authToken,
  metricsPort: wholeNumberOf('--metrics-port', flags.metricsPort),
  queuesWrite: flags.queuesWrite === true,
  logger: createLogger({ program: 'argosy', level: wordOf('--log-level', LEVELS, flags.logLevel) ?? 'warn', format: 'text' }),
});

/** Loaded only when needed: the verbs that speak to a server start faster without the engine. */
const startStack = async (options: EmbeddedOptions): Promise<EmbeddedStack> => {
  const progress = new Progress(process.stderr);
  const { startEmbeddedStack } = await import('../embedded/embedded-stack.js');
  try {
    return await startEmbeddedStack({ ...options, onProgress: (what) => progress.show(`starting ${what}`) });
  } finally {
    progress.end();
  }
};

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });

const addUp = (program: Command): void => {
  withStackFlags(program.command('up'))
    .description('run all services in this process until it is stopped; state is kept')
    .option('--data <folder>', 'folder for all state', './.argosy')
    .option('--host <address>', 'address of the API; 127.0.0.1 unless there is a token')
    .option('--port <port>', 'port of the API', String(DEFAULT_PORT))
    .option('--auth-token <token>', 'token that requests must carry; better given as AUTH_TOKEN')
    .option('--metrics-port <port>', 'port of /metrics, /healthz and /readyz')
    .option('--queues-write', 'let the queue dashboard retry and remove jobs')
    .addHelpText('after', '\nExamples:\n  argosy up\n  argosy up --data /var/lib/argosy --port 2747 --runtime sandbox')
    .action(async (flags: StackFlags, command: Command) => {
      const context = contextOf(command);
      const token = flags.authToken ?? readCliConfig().authToken?.reveal();
      const stopping = stopSignal();
      const stack = await startStack({ ...stackOptions(flags, flags.data ?? './.argosy', DEFAULT_PORT), authToken: token });
      context.out(
        `API               ${stack.url}\nqueue dashboard   ${stack.url}/queues\npods run in       ${stack.runtime.name}\nstop with         Ctrl-C`,
      );
      await stopping;
      await stack.stop();
    });
};

/** Runs `work` on a stack of its own, which is stopped whatever happens. Without a folder all state is thrown away. */
const onOwnStack = async (flags: StackFlags, work: (stack: EmbeddedStack) => Promise<void>): Promise<void> => {
  const dataDir = flags.data ?? path.join(await mkdtemp(path.join(tmpdir(), 'argosy-run-')), 'data');
  if (flags.data === undefined) await chmod(path.dirname(dataDir), 0o711);
  let stack: EmbeddedStack | undefined;
  try {
    const starting = startStack(stackOptions(flags, dataDir, 0));
    stack = await starting;
    await Promise.race([work(stack), stopSignal()]);
  } finally {
    await stack?.stop();
    if (flags.data === undefined) await rm(path.dirname(dataDir), { recursive: true, force: true });
  }
};

/** Submits, prints the logs as they come, and then the tree. */
const runAndShow = async (stack: EmbeddedStack, workflow: Workflow, context: CommandContext): Promise<Workflow> => {
  const api = new WorkflowsApi(
    new ApiClient({ baseUrl: stack.url, headers: {} }),
    workflow.metadata.namespace ?? context.namespace,
  );
  const { metadata } = await api.create(workflow);
  const name = metadata.name ?? '';
  await printLogs(api, name, { 'logOptions.follow': true, 'logOptions.container': 'main' }, context);
  let last: Workflow | undefined;
  for await (const current of api.follow(name)) last = current;
  if (!last) throw new UserError(`workflow ${name} was deleted while it ran`);
  context.out(`\n${viewOf(last, context)}`);
  return last;
};

const addRun = (program: Command): void => {
  withStackFlags(withSubmitFlags(program.command('run <file>')))
    .description('run one workflow here, without a server; the exit code tells how it ended')
    .option('--data <folder>', 'keep the state in this folder; thrown away otherwise')
    .addHelpText('after', '\nExamples:\n  argosy run examples/hello-world.yaml\n  argosy run build.yaml -p branch=main')
    .action(async (file: string, flags: StackFlags & SubmitFlags, command: Command) => {
      const context = contextOf(command);
      const workflows = await workflowsOf([file], await submitOptionsOf(flags));
      const [workflow, ...others] = workflows;
      if (!workflow || others.length > 0) throw new UserError(`${file} must hold one workflow, it holds ${workflows.length}`);
      let phase: NonNullable<Workflow['status']>['phase'];
      await onOwnStack(flags, async (stack) => {
        phase = (await runAndShow(stack, workflow, context)).status?.phase;
      });
      assertSucceeded([phase]);
    });
};

const EXAMPLE = 'examples/hello-world.yaml';

const addQuickstart = (program: Command): void => {
  withStackFlags(program.command('quickstart', { hidden: true }))
    .description('run the first example on a stack of its own and say where to look next')
    .addHelpText('after', '\nExample:\n  argosy quickstart')
    .option('--data <folder>', 'folder for all state', './.argosy')
    .action(async (flags: StackFlags, command: Command) => {
      const context = contextOf(command);
      const file = [
        EXAMPLE,
        path.join(import.meta.dirname, '../../../../..', EXAMPLE),
        path.join(import.meta.dirname, '../../../..', EXAMPLE),
      ].find((candidate) => existsSync(candidate));
      if (!file) throw new UserError(`${EXAMPLE} is not here; run the command in a clone of the project`);
      const [workflow] = await workflowsOf([file], {});
      if (!workflow) throw new UserError(`${file} holds no workflow`);
      let phase: NonNullable<Workflow['status']>['phase'];
      await onOwnStack(flags, async (stack) => {
        context.out(`Submitting ${EXAMPLE} …\n`);
        phase = (await runAndShow(stack, workflow, context)).status?.phase;
        context.out(
          `\nThe workflow ran in ${stack.runtime.name} pods through all services. Its state is kept in ${flags.data ?? './.argosy'}.\n\nNext:\n  npm start                                          keeps the stack running (API http://localhost:${DEFAULT_PORT})\n  npx argosy submit examples/fan-out.yaml --watch    runs another example on it\n  npx argosy list                                    shows what ran\n  http://localhost:${DEFAULT_PORT}/queues                        the queue dashboard`,
        );
      });
      assertSucceeded([phase]);
    });
};

/** `up`, `run`, `quickstart`: the whole engine in this process. */
export const addStack = (program: Command): void => {
  addUp(program);
  addRun(program);
  addQuickstart(program);
};
