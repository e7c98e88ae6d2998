import { ExpressionError } from '../errors.js';
import { goFormatValue } from '../golang/format-value.js';
import { type GoRecord } from '../golang/values.js';
import { nestedEnvironment, toScope, type Scope, type ScopeLike } from '../scope.js';
import { addArgoFunctions } from './argo-functions.js';
import { compileExpression, type Program, type RunOptions } from './program.js';
import { findReferences, type Reference } from './references.js';

const referencesOf = new WeakMap<Program, readonly Reference[]>();

/** The names a parsed expression reads, computed once. */
export function programReferences(program: Program): readonly Reference[] {
  let references = referencesOf.get(program);
  if (!references) {
    references = findReferences(program.tree);
    referencesOf.set(program, references);
  }
  return references;
}

/** Runs a parsed expression on a scope, with Argo's functions. */
export function runProgram(program: Program, scope: Scope, nowMs?: number): unknown {
  const env = addArgoFunctions(nestedEnvironment(scope, programReferences(program)));
  return program.run(env, { nowMs });
}

/**
 * Evaluates an expr-lang 1.17 expression with Argo's functions (`asInt`, `asFloat`, `jsonpath`, `toJson`, `sprig.*`).
 * `env` is a scope, or a map or flat object with dotted names;
 * `nowMs` is the time that `now()` gives (an error without it). Gives a Go value (nil is null); throws ExpressionError.
 */
export function evaluateExpression(source: string, env: ScopeLike, nowMs?: number): unknown {
  return runProgram(compileExpression(source), toScope(env), nowMs);
}

/** What Argo makes of a condition: errors of the run get its prefix, a result that is not a bool is an error. */
function conditionOf(source: string, evaluate: () => unknown): boolean {
  let value: unknown;
  try {
    value = evaluate();
  } catch (error) {
    if (!(error instanceof ExpressionError) || error.stage !== 'run') throw error;
    throw new ExpressionError(`unable to evaluate expression '${source}': ${error.message}`, 'run');
  }
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`unable to cast expression result '${goFormatValue(value)}' to bool`, 'bool');
}

/**
 * Evaluates an expression that must give a bool, as conditions, hooks and `retryStrategy.expression` do. Throws
 * ExpressionError with Argo's message.
 */
export const evaluateBoolean = (source: string, env: ScopeLike, nowMs?: number): boolean =>
  conditionOf(source, () => evaluateExpression(source, env, nowMs));

/** Evaluates an expression on an environment taken as it is: no dotted names, no functions of Argo's. */
export const evaluateRaw = (source: string, env: GoRecord, options: RunOptions = {}): unknown =>
  compileExpression(source).run(env, options);

/** `evaluateRaw` for an expression that must give a bool. */
export const evaluateRawBoolean = (source: string, env: GoRecord): boolean => conditionOf(source, () => evaluateRaw(source, env));
