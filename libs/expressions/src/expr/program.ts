import { BoundedCache } from '../bounded-cache.js';
import { ExpressionError } from '../errors.js';
import { type GoRecord } from '../golang/values.js';
import { type Node } from './ast.js';
import { Budget } from './budget.js';
import { compileNode, type Run, type Step } from './compile.js';
import { checkNames } from './check.js';
import { parse } from './parser.js';
import { LocatedError, sourceError } from './source-error.js';

/** An expression that was parsed once; `run` may be called with any number of environments. */
export interface Program {
  readonly source: string;
  readonly tree: Node;
  /** Checks the types (and names, unless `strict` is false) against `env`, then evaluates. */
  run(env: GoRecord, strict?: boolean): unknown;
}

const MAX_SOURCE_LENGTH = 1_000_000;

function locatedOf(error: unknown, source: string, at: number): unknown {
  if (error instanceof LocatedError) return sourceError(source, error.offset, error.message, error.stage);
  if (error instanceof ExpressionError) return sourceError(source, at, error.message, error.stage);
  if (error instanceof RangeError) return new ExpressionError('expression needs too much memory');
  return error;
}

function parseProgram(source: string): Program | ExpressionError {
  try {
    if (source.length > MAX_SOURCE_LENGTH) throw new ExpressionError('expression is too long', 'compile');
    return createProgram(source, parse(source));
  } catch (error) {
    const located = locatedOf(error, source, 0);
    if (located instanceof ExpressionError) return located;
    throw located;
  }
}

function createProgram(source: string, tree: Node): Program {
  let step: Step | undefined;
  const run = (env: GoRecord, strict = true): unknown => {
    const state: Run = { env, budget: new Budget(), variables: [], at: 0, scope: undefined };
    try {
      if (strict) checkNames(tree, env);
      step ??= compileNode(tree);
      return step(state) ?? null;
    } catch (error) {
      throw locatedOf(error, source, state.at);
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
