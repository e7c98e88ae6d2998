import { ExpressionError } from '../errors.js';
import { showValue } from './arithmetic.js';
import { checkTokens, tokenizeWhen } from './lexer.js';
import { evaluateTokens } from './plan.js';
import { type WhenToken } from './tokens.js';

const QUOTE_HINT = '(hint: try wrapping the affected expression in quotes ("))';

/** Runs a step of the work; its ExpressionError gets Argo's words for that step. */
function within<T>(describe: (message: string) => string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ExpressionError) throw new ExpressionError(describe(error.message), error.stage);
    throw error;
  }
}

function readTokens(expression: string): WhenToken[] {
  const tokens = tokenizeWhen(expression);
  checkTokens(tokens);
  return tokens;
}

/** Bare words become texts, so that `heads == heads` needs no quotes. */
function quoteWords(tokens: readonly WhenToken[]): WhenToken[] {
  const quoted = tokens.map((token): WhenToken => (token.kind === 'VARIABLE' ? { ...token, kind: 'STRING' } : token));
  checkTokens(quoted);
  return quoted;
}

/**
 * Evaluates a step's or task's `when` after substitution, as govaluate does once Argo has turned bare words into
 * strings; an empty one is true. Throws ExpressionError with Argo's message.
 */
export function evaluateWhen(expression: string): boolean {
  if (expression === '') return true;
  const tokens = within(
    (message) =>
      `Invalid 'when' expression '${expression}': ${message}${message.includes('Invalid token') ? ` ${QUOTE_HINT}` : ''}`,
    () => readTokens(expression),
  );
  const quoted = within(
    (message) => `Failed to parse 'when' expression '${expression}': ${message}`,
    () => quoteWords(tokens),
  );
  const value = within(
    // Argo's own spelling.
    (message) => `Failed to evaluate 'when' expresion '${expression}': ${message}`,
    () => evaluateTokens(quoted, () => undefined),
  );
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`Expected boolean evaluation for '${expression}'. Got ${showValue(value)}`, 'bool');
}
