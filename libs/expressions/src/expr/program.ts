import { BoundedCache } from '../bounded-cache.js';
import { ExpressionError, type ExpressionStage } from '../errors.js';
import { type GoRecord } from '../golang/values.js';
import { type Node } from './ast.js';
import { Budget } from './budget.js';
import { compileNode, type Run, type Step } from './compile.js';
import { checkTypes } from './check.js';
import { parse } from './parser.js';
import { findReferences } from './references.js';
import { LocatedError, sourceError } from './source-error.js';
import { typeOfValue } from './static-type.js';

/** What a run may be told besides its environment. */
export interface RunOptions {
  /** Whether unknown names are errors (default) or nil. */
  readonly strict?: boolean | undefined;
  /** What `now()` gives, in milliseconds since 1970. */
  readonly nowMs?: number | undefined;
}

/** An expression that was parsed once; `run` may be called with any number of environments. */
export interface Program {
  readonly source: string;
  readonly tree: Node;
  /** Checks names and types against `env`, then evaluates. */
  run(env: GoRecord, options?: RunOptions): unknown;
}

const MAX_SOURCE_LENGTH = 1_000_000;

function locatedOf(error: unknown, source: string, at: number, stage: ExpressionStage): unknown {
  if (error instanceof LocatedError) return sourceError(source, error.offset, error.message, error.stage);
  if (error instanceof ExpressionError) return sourceError(source, at, error.message, stage);
  if (error instanceof RangeError) return new ExpressionError('expression needs too much memory');
  return error;
}

function parseProgram(source: string): Program | ExpressionError {
  try {
    if (source.length > MAX_SOURCE_LENGTH) throw new ExpressionError('expression is too long', 'compile');
    return createProgram(source, parse(source));
  } catch (error) {
    const located = locatedOf(error, source, 0, 'compile');
    if (located instanceof ExpressionError) return located;
    throw located;
  }
}

const MAX_SIGNATURES = 32;

/** The kinds of the variables that the check depends on; undefined when it may depend on any. */
function signatureOf(roots: readonly string[] | undefined, env: GoRecord): string | undefined {
  return roots?.map((root) => (Object.hasOwn(env, root) ? typeOfValue(env[root]).name : '')).join(';');
}

function rootsOf(tree: Node): readonly string[] | undefined {
  const paths = findReferences(tree).map(({ path }) => path[0]);
  return paths.includes(undefined) ? undefined : [...new Set(paths.filter((root) => root !== undefined))];
}

function createProgram(source: string, tree: Node): Program {
  const roots = rootsOf(tree);
  const checked = new Set<string>();
  let step: Step | undefined;
  const check = (env: GoRecord, strict: boolean): void => {
    const signature = strict ? signatureOf(roots, env) : undefined;
    if (signature !== undefined && checked.has(signature)) return;
    checkTypes(tree, env, strict);
    if (signature !== undefined && checked.size < MAX_SIGNATURES) checked.add(signature);
  };
  const run = (env: GoRecord, { strict = true, nowMs }: RunOptions = {}): unknown => {
    const state: Run = { env, budget: new Budget(nowMs), variables: [], at: 0, scope: undefined };
    try {
      check(env, strict);
      step ??= compileNode(tree);
      return step(state) ?? null;
    } catch (error) {
      throw locatedOf(error, source, state.at, 'run');
    }
  };
  return { source, tree, run };
}

const cache = new BoundedCache<string, Program | ExpressionError>(2000);

/** Parses an expression (cached by its text, failures too); throws ExpressionError with expr-lang's message. */
export function compileExpression(source: string): Program {
  const program = cache.getOrMake(source, parseProgram);
  if (program instanceof ExpressionError) throw program;
  return program;
}
