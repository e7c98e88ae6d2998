import { ExpressionError } from '../errors.js';
import { showValue } from './arithmetic.js';
import { checkTokens, tokenizeWhen } from './lexer.js';
import { evaluateTokens } from './plan.js';
import { type WhenToken } from './tokens.js';

/** Words a message of one step of the work as Argo does; the misspelling is Argo's own. */
type Wording = (condition: string, message: string) => string;

const HINT = ' (hint: try wrapping the affected expression in quotes ("))';

const UNREADABLE: Wording = (condition, message) =>
  `Invalid 'when' expression '${condition}': ${message}${message.startsWith('Invalid token') ? HINT : ''}`;
const UNUSABLE: Wording = (condition, message) => `Failed to parse 'when' expression '${condition}': ${message}`;
const UNEVALUABLE: Wording = (condition, message) => `Failed to evaluate 'when' expresion '${condition}': ${message}`;

function inWords<T>(wording: Wording, condition: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw error instanceof ExpressionError ? new ExpressionError(wording(condition, error.message), error.stage) : error;
  }
}

function read(condition: string): readonly WhenToken[] {
  const tokens = tokenizeWhen(condition);
  checkTokens(tokens);
  return tokens;
}

/** Bare words are texts: there are no variables in a condition. */
const asText = (token: WhenToken): WhenToken => (token.kind === 'VARIABLE' ? { ...token, kind: 'STRING' } : token);

/**
 * Whether a `when` holds, its tags already replaced; the empty one does. govaluate's language with bare words as
 * strings. Throws ExpressionError with Argo's message.
 */
export function evaluateWhen(expression: string): boolean {
  if (expression === '') return true;
  const tokens = inWords(UNREADABLE, expression, () => read(expression)).map(asText);
  inWords(UNUSABLE, expression, () => checkTokens(tokens));
  const value = inWords(UNEVALUABLE, expression, () => evaluateTokens(tokens, () => undefined));
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`Expected boolean evaluation for '${expression}'. Got ${showValue(value)}`, 'bool');
}

/**
 * Whether the `when` of a CronWorkflow holds: as `evaluateWhen`, but bare words are variables, and there are none. Throws ExpressionError.
 */
export function evaluateCronWhen(expression: string): boolean {
  if (expression === '') return true;
  const tokens = inWords(UNREADABLE, expression, () => read(expression));
  const value = inWords(UNEVALUABLE, expression, () => evaluateTokens(tokens, () => undefined));
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`Expected boolean evaluation for '${expression}'. Got ${showValue(value)}`, 'bool');
}
