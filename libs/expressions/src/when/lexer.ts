import { ExpressionError } from '../errors.js';
import { compileRegexp } from '../golang/regexp.js';
import { parseGovaluateTime } from './times.js';
import { FOLLOWERS, LAST, OPERATORS, showToken, type WhenToken, type WhenTokenKind } from './tokens.js';

const fail = (message: string): never => {
  throw new ExpressionError(message, 'parse');
};

/** A backslash takes whatever follows into the run, itself left out. */
const run = (characters: string): string => `(?:\\\\[\\s\\S]|${characters})`;
const unescapeRun = (text: string): string => text.replace(/\\([\s\S])/g, '$1');

interface LexicalRule {
  readonly pattern: RegExp;
  readonly read: (matched: string, previous: WhenTokenKind) => WhenToken | undefined;
}

function readHex(matched: string): WhenToken {
  const digits = matched.slice(2);
  return digits === '' ? fail(`Unable to parse hex value '${digits}' to uint64\n`) : { kind: 'NUMERIC', value: Number(matched) };
}

function readNumber(matched: string): WhenToken {
  const digits = unescapeRun(matched);
  if (!/^(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(digits)) fail(`Unable to parse numeric value '${digits}' to float64\n`);
  return { kind: 'NUMERIC', value: Number(digits) };
}

function readBracket(matched: string): WhenToken {
  if (!/^\[(?:\\[\s\S]|[^\]\\])*\]$/.test(matched)) fail('Unclosed parameter bracket');
  return { kind: 'VARIABLE', value: unescapeRun(matched.slice(1, -1)) };
}

/** Either quote ends a text that either quote began. */
function readText(matched: string): WhenToken {
  if (!/^["'](?:\\[\s\S]|[^"'\\])*["']$/.test(matched)) fail('Unclosed string literal');
  const value = unescapeRun(matched.slice(1, -1));
  const seconds = parseGovaluateTime(value);
  return seconds === undefined ? { kind: 'STRING', value } : { kind: 'TIME', value: seconds };
}

function readWord(matched: string): WhenToken {
  const value = unescapeRun(matched);
  if (value === 'true' || value === 'false') return { kind: 'BOOLEAN', value: value === 'true' };
  if (value.toLowerCase() === 'in' && (value === 'in' || value === 'IN')) return { kind: 'COMPARATOR', value: 'in' };
  if (value.includes('.')) rejectAccess(value);
  return { kind: 'VARIABLE', value };
}

/** A dotted name reads a field of a parameter: exported fields only, of which there are none here. */
function rejectAccess(value: string): void {
  if (value.endsWith('.')) fail(`Hanging accessor on token '${value}'`);
  const hidden = value
    .split('.')
    .slice(1)
    .find((field) => !/^\p{Lu}/u.test(field));
  if (hidden !== undefined) fail(`Unable to access unexported field '${hidden}' in token '${value}'`);
}

function readSymbol(matched: string, previous: WhenTokenKind): WhenToken {
  const value = unescapeRun(matched);
  const found = OPERATORS.find(([kind, symbols]) => symbols.has(value) && (kind !== 'PREFIX' || FOLLOWERS[previous].has(kind)));
  return found ? { kind: found[0], value } : fail(`Invalid token: '${value}'`);
}

const RULES: readonly LexicalRule[] = [
  { pattern: /[\s\u0085]+/y, read: () => undefined },
  { pattern: /0x[0-9a-fA-F]*/y, read: readHex },
  { pattern: new RegExp(`[.\\p{Nd}]${run('[.\\p{Nd}]')}*`, 'uy'), read: readNumber },
  { pattern: /,/y, read: (value) => ({ kind: 'SEPARATOR', value }) },
  { pattern: /\[(?:\\[\s\S]|[^\]\\])*\]?/y, read: readBracket },
  { pattern: new RegExp(`\\p{L}${run('[\\p{L}\\p{Nd}_.]')}*`, 'uy'), read: readWord },
  { pattern: /["'](?:\\[\s\S]|[^"'\\])*["']?/y, read: readText },
  { pattern: /\(/y, read: (value) => ({ kind: 'CLAUSE', value }) },
  { pattern: /\)/y, read: (value) => ({ kind: 'CLAUSE_CLOSE', value }) },
  { pattern: new RegExp(`${run(`[^\\p{Nd}\\p{L}()\\[\\]'", \\s\\u0085.\\\\]`)}+|[\\s\\S]`, 'uy'), read: readSymbol },
];

function tokenAt(text: string, at: number, previous: WhenTokenKind): { token: WhenToken | undefined; end: number } {
  for (const { pattern, read } of RULES) {
    pattern.lastIndex = at;
    const matched = pattern.exec(text)?.[0];
    if (matched !== undefined) return { token: read(matched, previous), end: at + matched.length };
  }
  return fail(`Invalid token: '${text.slice(at, at + 1)}'`);
}

/** Splits a condition into tokens; throws ExpressionError with govaluate's message. */
export function tokenizeWhen(text: string): WhenToken[] {
  const tokens: WhenToken[] = [];
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const { token, end } = tokenAt(text, at, tokens.at(-1)?.kind ?? 'UNKNOWN');
    at = end;
    if (!token) continue;
    tokens.push(token);
    depth += token.kind === 'CLAUSE' ? 1 : token.kind === 'CLAUSE_CLOSE' ? -1 : 0;
  }
  return depth === 0 ? tokens : fail('Unbalanced parenthesis');
}

/** Checks the order of the tokens, and the regular expressions that are written out. */
export function checkTokens(tokens: readonly WhenToken[]): void {
  let previous: WhenToken = { kind: 'UNKNOWN', value: null };
  for (const token of tokens) {
    if (!FOLLOWERS[previous.kind].has(token.kind)) {
      const from = `${previous.kind} [${showToken(previous.value)}]`;
      fail(`Cannot transition token types from ${from} to ${token.kind} [${showToken(token.value)}]`);
    }
    const afterMatch = previous.kind === 'COMPARATOR' && /~$/.test(String(previous.value));
    if (afterMatch && token.kind === 'STRING') checkPattern(String(token.value));
    previous = token;
  }
  if (!LAST.has(previous.kind)) fail('Unexpected end of expression');
}

function checkPattern(pattern: string): void {
  try {
    compileRegexp(pattern);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}
