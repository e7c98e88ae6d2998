import { checkTokens, tokenizeWhen } from './lexer.js';
import { evaluateTokens } from './plan.js';

/**
 * The value of a govaluate expression with variables, as `when` would compute it if it had any; numbers are float64. Throws
 * ExpressionError with govaluate's message.
 */
export function evaluateGovaluate(expression: string, variables: Readonly<Record<string, unknown>>): unknown {
  const tokens = tokenizeWhen(expression);
  checkTokens(tokens);
  return evaluateTokens(tokens, (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined));
}
