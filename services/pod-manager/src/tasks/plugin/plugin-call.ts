import { setTimeout as sleep } from 'node:timers/promises';
import { parseGoDuration, type Template, TransientError } from '#libs/workflow-spec';
import { z } from 'zod';
import { exchange, type HttpAnswer } from '../http/http-exchange.js';
import { TaskError } from '../task.js';
import type { PluginAgent } from './plugin-agents.js';

/** What a plugin is told: the workflow's names, and the template with every tag resolved. */
export interface ExecuteArguments {
  workflow: { metadata: { name: string; namespace: string; uid: string } };
  template: Template;
}

const parameterSchema = z.looseObject({ name: z.string(), value: z.coerce.string().optional() });
const replySchema = z.object({
  node: z
    .object({
      phase: z.string().nullish(),
      message: z.string().nullish(),
      progress: z.string().nullish(),
      outputs: z
        .object({
          parameters: z.array(parameterSchema).nullish(),
          artifacts: z.array(z.looseObject({ name: z.string() })).nullish(),
          result: z.string().nullish(),
          exitCode: z.string().nullish(),
        })
        .nullish(),
    })
    .nullish(),
  requeue: z.string().nullish(),
});
/** What a plugin says of a template; without `node` it is not its own. */
export type ExecuteReply = { node?: z.infer<typeof replySchema>['node']; requeueMs: number | undefined };

const EXECUTE_PATH = '/api/v1/template.execute';
const CALL_TIMEOUT_MS = 30_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
/** A plugin listens within this time of its start, or it is in error. */
const LISTENS_WITHIN_MS = 60_000;
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/**
 * Asks a plugin to execute a template. One that has no such call (404) is deaf from then on; 503, and a plugin that does not listen yet, is asked again. Throws TaskError for
 * every other answer, and when the plugin has ended.
 */
export const execute = async (agent: PluginAgent, args: ExecuteArguments, signal: AbortSignal): Promise<ExecuteReply> => {
  if (agent.isDeaf) return { requeueMs: undefined };
  const answer = await askPatiently(agent, JSON.stringify(args), signal);
  if (answer.statusCode === 404) {
    agent.isDeaf = true;
    return { requeueMs: undefined };
  }
  const text = answer.body.toString('utf8');
  if (answer.statusCode !== 200) throw new TaskError(`${answer.statusCode} ${EXECUTE_PATH}: ${text.slice(0, 2_000)}`);
  return replyOf(text);
};

const replyOf = (text: string): ExecuteReply => {
  try {
    const { node, requeue } = replySchema.parse(text.trim() === '' ? {} : JSON.parse(text));
    return { node, requeueMs: requeue ? parseGoDuration(requeue) : undefined };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new TaskError(`the plugin's answer cannot be read: ${reason}`, { cause: error });
  }
};

const askPatiently = async (agent: PluginAgent, body: string, signal: AbortSignal): Promise<HttpAnswer> => {
  let givesUpAt: number | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      const answer = await agent.turns.take(() => {
        givesUpAt ??= performance.now() + LISTENS_WITHIN_MS;
        return ask(agent, body, signal);
      }, signal);
      if (answer.statusCode !== 503) return answer;
    } catch (error) {
      const isUnheard = error instanceof TransientError || (error instanceof TaskError && isConnectionRefused(error.cause));
      agent.assertAlive();
      if (!isUnheard || performance.now() > (givesUpAt ?? Infinity)) throw error;
    }
    await sleep(pauseMs, undefined, { signal });
  }
};

const ask = async ({ url, token, socketPath }: PluginAgent, body: string, signal: AbortSignal): Promise<HttpAnswer> =>
  exchange({
    method: 'POST',
    url: `${url}${EXECUTE_PATH}`,
    headers: [
      { name: 'Content-Type', value: 'application/json', isSecret: false },
      { name: 'Authorization', value: `Bearer ${token}`, isSecret: true },
    ],
    body: Buffer.from(body, 'utf8'),
    insecureSkipVerify: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
    maxBodyBytes: MAX_BODY_BYTES,
    ...(socketPath === undefined ? {} : { socketPath: await socketPath() }),
  });

/** The last two: of a socket whose other end is just going or coming. */
const REFUSED = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EPIPE', 'ENOENT']);

const isConnectionRefused = (cause: unknown): boolean => {
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  return REFUSED.has((first as NodeJS.ErrnoException | undefined)?.code ?? '');
};
