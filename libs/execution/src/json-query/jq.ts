import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { JqError } from '../errors.js';

export interface JqLimits {
  /** Longest run of one program, in milliseconds; default 5,000. */
  timeoutMs?: number;
}

interface Answer {
  output?: string;
  error?: string;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** The WebAssembly build copies what is left of its input for every byte of it. */
const INPUT_MAX_CHARACTERS = 300_000;

/**
 * Runs in a thread of its own, because a jq program may run for ever. Written as text so that it needs no file beside the
 * program, whatever way that was built.
 */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const jq = require(workerData.module);
  parentPort.on('message', ({ program, json }) =>
    jq.raw(json, program, ['-c']).then(
      (output) => parentPort.postMessage({ output }),
      (error) => parentPort.postMessage({ error: String(error && error.message) }),
    ),
  );
`;

let idle: Worker | undefined;
let last: Promise<unknown> = Promise.resolve();

const startThread = (): Worker => {
  const thread = new Worker(THREAD, {
    eval: true,
    workerData: { module: createRequire(import.meta.url).resolve('jq-wasm') },
    env: {},
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 128 },
  });
  thread.unref();
  return thread;
};

const ask = (program: string, json: string, timeoutMs: number): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const thread = idle ?? startThread();
    idle = undefined;
    const settle = (): void => {
      clearTimeout(timer);
      thread.off('error', onError);
      thread.off('message', onAnswer);
    };
    const discard = (error: JqError): void => {
      settle();
      void thread.terminate();
      reject(error);
    };
    const onError = (error: unknown): void => discard(new JqError(String(error), 'run'));
    const onAnswer = (answer: Answer): void => {
      settle();
      idle = thread;
      resolve(answer);
    };
    const timer = setTimeout(
      () => discard(new JqError(`the jq program took more than ${timeoutMs / 1000} s`, 'timeout')),
      timeoutMs,
    );
    thread.on('error', onError);
    thread.on('message', onAnswer);
    thread.postMessage({ program, json });
  });

const COMPILE_ERROR = /^jq: error: ([\s\S]*?)\njq: \d+ compile errors?$/;
const RUN_ERROR = /^jq: error \(at [^)]*\)(?: \(not a string\))?: ([\s\S]*)$/;

const errorOf = (text: string): JqError => {
  const compile = COMPILE_ERROR.exec(text);
  if (compile) {
    const message = (compile[1] ?? text).split(' (Unix shell')[0] ?? text;
    return new JqError(message, message.includes('is not defined') ? 'compile' : 'parse');
  }
  return new JqError(RUN_ERROR.exec(text)?.[1] ?? text, 'run');
};

/** Objects with their keys in order, as Argo's jq has them; numbers as float64. */
const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value === 'number' && !Number.isFinite(value)) return Math.sign(value) * Number.MAX_VALUE;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, ordered(item)]));
};

const orderedJson = (json: string): string => {
  try {
    return JSON.stringify(ordered(JSON.parse(json)));
  } catch (error) {
    throw new JqError(`the document is not JSON: ${(error as Error).message}`, 'run');
  }
};

/**
 * What a jq program gives for one JSON document: its outputs as compact JSON texts, in order, the keys of objects sorted. Programs
 * run one after the other in a thread. Throws JqError: an output that came before a failure is not given, as in Argo.
 */
export const queryJq = async (program: string, json: string, limits: JqLimits = {}): Promise<string[]> => {
  if (json.length > INPUT_MAX_CHARACTERS) {
    throw new JqError(`the document has more than ${INPUT_MAX_CHARACTERS} characters, which is too much for jq here`, 'run');
  }
  const document = orderedJson(json);
  const turn = last.then(() => ask(`[(\n${program}\n)]`, document, limits.timeoutMs ?? DEFAULT_TIMEOUT_MS));
  last = turn.catch(() => undefined);
  const { output, error } = await turn;
  if (error !== undefined || output === undefined) throw errorOf(error ?? 'no answer');
  return (ordered(JSON.parse(output)) as unknown[]).map((value) => JSON.stringify(value));
};
