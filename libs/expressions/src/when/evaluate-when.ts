import { ExpressionError } from '../errors.js';
import { showValue } from './arithmetic.js';
import { checkTokens, tokenizeWhen } from './lexer.js';
import { evaluateTokens } from './plan.js';
import { type WhenToken } from './tokens.js';

const QUOTE_HINT = '(hint: try wrapping the affected expression in quotes ("))';

function invalid(expression: string, error: unknown): unknown {
  if (!(error instanceof ExpressionError)) return error;
  const hint = error.message.includes('Invalid token') ? ` ${QUOTE_HINT}` : '';
  return new ExpressionError(`Invalid 'when' expression '${expression}': ${error.message}${hint}`, error.stage);
}

/**
 * Evaluates a step's or task's `when` after substitution, as govaluate does once Argo has turned bare words into
 * strings; an empty one is true. Throws ExpressionError with Argo's message.
 */
export function evaluateWhen(expression: string): boolean {
  if (expression === '') return true;
  let value: unknown;
  try {
    const tokens = tokenizeWhen(expression);
    checkTokens(tokens);
    const quoted = tokens.map((token): WhenToken => (token.kind === 'VARIABLE' ? { ...token, kind: 'STRING' } : token));
    checkTokens(quoted);
    value = evaluateTokens(quoted, () => undefined);
  } catch (error) {
    throw invalid(expression, error);
  }
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`Expected boolean evaluation for '${expression}'. Got ${showValue(value)}`, 'bool');
}
