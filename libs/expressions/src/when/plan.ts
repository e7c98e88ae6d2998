import { ExpressionError } from '../errors.js';
import { applyPrefix, misfit, OPERATIONS } from './arithmetic.js';
import { type WhenToken } from './tokens.js';

/** The value of a named parameter; undefined when there is none. */
export type Parameters = (name: string) => unknown;

type Stage = (parameters: Parameters) => unknown;

/** Operators from the loosest to the tightest; all of them group to the left. */
const STRENGTHS: ReadonlyMap<string, number> = new Map(
  [',', '? : ??', '||', '&&', '== != > >= < <= =~ !~ in', '& | ^', '<< >>', '+ -', '* / %', '**'].flatMap((symbols, strength) =>
    symbols.split(' ').map((symbol) => [symbol, strength] as const),
  ),
);
const MAX_DEPTH = 500;

/** Turns tokens into a function by operator strength. */
class Planner {
  private readonly tokens: readonly WhenToken[];
  private at = 0;
  private depth = 0;

  constructor(tokens: readonly WhenToken[]) {
    this.tokens = tokens;
  }

  plan(least = 0): Stage {
    let left = this.operand();
    for (let symbol = this.operator(least); symbol !== undefined; symbol = this.operator(least)) {
      this.at++;
      left = combine(symbol, left, this.plan((STRENGTHS.get(symbol) ?? 0) + 1));
    }
    return left;
  }

  /** The next operator if it binds at least so tightly. */
  private operator(least: number): string | undefined {
    const token = this.tokens[this.at];
    if (!token || ['STRING', 'VARIABLE', 'CLAUSE_CLOSE'].includes(token.kind)) return undefined;
    const symbol = String(token.value);
    const strength = STRENGTHS.get(symbol);
    return strength !== undefined && strength >= least ? symbol : undefined;
  }

  private operand(): Stage {
    const token = this.tokens[this.at];
    if (!token || token.kind === 'CLAUSE_CLOSE') return () => null;
    if (++this.depth > MAX_DEPTH) throw new ExpressionError('expression is nested too deeply', 'parse');
    const stage = this.operandOf(token);
    this.depth--;
    return stage;
  }

  private operandOf({ kind, value }: WhenToken): Stage {
    this.at++;
    if (kind === 'CLAUSE') {
      const inner = this.plan();
      this.at++;
      return inner;
    }
    if (kind === 'PREFIX') {
      const operand = this.operand();
      return (parameters) => applyPrefix(String(value), operand(parameters));
    }
    return kind === 'VARIABLE' ? (parameters) => read(parameters, String(value)) : () => value;
  }
}

function read(parameters: Parameters, name: string): unknown {
  const value = parameters(name);
  if (value === undefined) throw new ExpressionError(`No parameter '${name}' found.`, 'run');
  return value;
}

function combine(symbol: string, left: Stage, right: Stage): Stage {
  if (symbol === '?') return (parameters) => (asBool(left(parameters), 'ternary', symbol) ? right(parameters) : null);
  if (symbol === ':' || symbol === '??') return (parameters) => left(parameters) ?? right(parameters);
  if (symbol === '&&' || symbol === '||') return (parameters) => logical(symbol, left(parameters), () => right(parameters));
  const operation = OPERATIONS[symbol];
  return (parameters) => operation?.(left(parameters), right(parameters)) ?? null;
}

const asBool = (value: unknown, family: 'logical' | 'ternary', symbol: string): boolean =>
  typeof value === 'boolean' ? value : misfit(family, value, symbol);

/** The right side runs only where it matters. */
function logical(symbol: string, left: unknown, right: () => unknown): boolean {
  if (left === (symbol === '||')) return left;
  const other = right();
  asBool(left, 'logical', symbol);
  return asBool(other, 'logical', symbol);
}

/** Evaluates checked tokens; throws ExpressionError with govaluate's message. */
export const evaluateTokens = (tokens: readonly WhenToken[], parameters: Parameters): unknown =>
  new Planner(tokens).plan()(parameters);
