import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { UserError } from '#libs/workflow-spec';
import { z } from 'zod';
import type { EvalCase } from './answer-case.js';

const LINE_MAX_CHARACTERS = 4_000_000;

const caseSchema = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  kind: z.string(),
  in: z.record(z.string(), z.unknown()),
});

const caseOf = (line: string, place: string): EvalCase => {
  if (line.length > LINE_MAX_CHARACTERS) throw new UserError(`${place}: a case has at most ${LINE_MAX_CHARACTERS} characters`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new UserError(`${place}: not JSON: ${(error as Error).message}`);
  }
  const parsed = caseSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(`${place}: ${issue?.path.join('.') || 'the case'}: ${issue?.message}`);
};

/** The cases of a file of JSON lines, or of standard input for `-`, one after the other. Throws UserError naming the line. */
export async function* readCases(file: string): AsyncIterable<EvalCase> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Infinity });
  // The interface does not pass on what its input throws.
  const failed = new Promise<never>((_resolve, reject) => {
    input.once('error', (error: Error) => reject(new UserError(`${file}: ${error.message}`)));
  });
  failed.catch(() => undefined);
  const iterator = lines[Symbol.asyncIterator]();
  for (let number = 1; ; number += 1) {
    const next = await Promise.race([iterator.next(), failed]);
    if (next.done === true) return;
    if (next.value.trim() !== '') yield caseOf(next.value, `${file}:${number}`);
  }
}
