import type { Command } from 'commander';
import { UserError } from '#libs/workflow-spec';
import { UsageError } from '../client/errors.js';
import type { CaseInput } from '../eval/case-kinds.js';
import { collect, contextOf, ExitCodeError } from './context.js';

interface EvalFlags {
  parameter?: string[];
  when?: boolean;
  kind?: string;
  in?: string;
  cases?: string;
}

/** Loaded only when needed: the other verbs start faster without it. */
const loadAnswers = () => import('../eval/answer-case.js');

const jsonObjectOf = (text: string): CaseInput => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as CaseInput;
  } catch {
    // Refused below in the same words.
  }
  throw new UsageError('--in takes a JSON object');
};

const printCases = async (file: string, out: (text: string) => void): Promise<void> => {
  const [{ answerCase }, { readCases }] = await Promise.all([loadAnswers(), import('../eval/case-lines.js')]);
  for await (const one of readCases(file)) out(JSON.stringify(await answerCase(one, Date.now())));
};

const printKind = async (text: string | undefined, flags: EvalFlags, out: (text: string) => void): Promise<void> => {
  const [{ answerCase }, { CASE_KINDS }] = await Promise.all([loadAnswers(), import('../eval/case-kinds.js')]);
  const kind = flags.kind ?? '';
  const known = Object.hasOwn(CASE_KINDS, kind) ? CASE_KINDS[kind] : undefined;
  if (!known) {
    const kinds = Object.entries(CASE_KINDS).map(([name, { summary }]) => `  ${name}: ${summary}`);
    throw new UsageError(`there is no kind ${kind}. Kinds, and the fields that --in takes beside the text:\n${kinds.join('\n')}`);
  }
  const input = {
    ...(flags.in === undefined ? {} : jsonObjectOf(flags.in)),
    ...(text === undefined ? {} : { [known.main]: text }),
  };
  const answer = await answerCase({ id: kind, kind, in: input }, Date.now());
  if (!answer.ok) throw new UserError(`${answer.stage}: ${answer.error}`);
  out(JSON.stringify(answer.result, undefined, 2));
};

/** `eval`: what tags, expressions, conditions and the other small languages of a workflow come to. */
export const addEval = (program: Command): void => {
  program
    .command('eval [text]')
    .description('evaluate text with tags, an expression, a condition, a selector …: nothing is sent to a server')
    .option('-p, --parameter <name=value>', 'value of a variable, such as steps.a.outputs.result=x; may be repeated', collect)
    .option('--when', 'the text is the condition of a step')
    .option('--kind <kind>', 'what the text is; an unknown kind lists them all')
    .option('--in <json>', 'with --kind: the other fields of the case')
    .option('--cases <file>', 'read lines {id, kind, in} from a file or - and print {id, ok, result | stage, error}')
    .addHelpText(
      'after',
      `
Examples:
  argosy eval '{{=sprig.upper(steps.a.outputs.result)}}' -p steps.a.outputs.result=x
  argosy eval --when '{{inputs.parameters.n}} > 3' -p inputs.parameters.n=5
  argosy eval --kind gojq '.a | keys' --in '{"json": "{\\"a\\": {\\"b\\": 1}}"}'`,
    )
    .action(async (text: string | undefined, flags: EvalFlags, command: Command) => {
      const context = contextOf(command);
      const out = (line: string): void => context.out(line);
      if (flags.cases !== undefined) return printCases(flags.cases, out);
      if (flags.kind !== undefined) return printKind(text, flags, out);
      if (text === undefined) throw new UsageError('eval takes a text, or --cases');
      const { evaluateCondition, evaluateText, variablesOf } = await import('../eval/evaluate-text.js');
      const variables = variablesOf(flags.parameter ?? []);
      if (!flags.when) return out(`${evaluateText(text, variables, Date.now())}\n`);
      const holds = evaluateCondition(text, variables, Date.now());
      out(String(holds));
      if (!holds) throw new ExitCodeError(1);
    });
};
