import { readQuoted } from './literals.js';
import { LocatedError } from './source-error.js';

export type TokenKind = 'Identifier' | 'Number' | 'String' | 'Bytes' | 'Operator' | 'Bracket' | 'EOF';

/** A token; `at` is its UTF-16 offset in the source. */
export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  readonly at: number;
}

/** What a rule makes of the text it matched at an offset: tokens, and where to go on. */
interface Reading {
  readonly tokens: readonly Token[];
  readonly end: number;
}

interface LexicalRule {
  /** Sticky; tried in order at every offset. */
  readonly pattern: RegExp;
  readonly read: (matched: string, at: number, source: string) => Reading;
}

const WORD_CHARACTER = '[\\p{L}\\p{Nd}_$]';
const WORD = new RegExp(`${WORD_CHARACTER}+`, 'uy');
const IDENTIFIER = new RegExp(`^[\\p{L}_$]${WORD_CHARACTER}*$`, 'u');
const WORD_OPERATORS: ReadonlySet<string> = new Set('not in or and matches contains startsWith endsWith let if else'.split(' '));
/** Words that are operators behind `not`, whatever follows. */
const NEGATED_WORD = new RegExp(`not( *)(in|matches|contains|startsWith|endsWith)(?!${WORD_CHARACTER})`, 'uy');
const DIGITS: Readonly<Record<string, string>> = { x: '0-9a-fA-F_', o: '0-7_', b: '01_' };

const fail = (message: string, at: number): never => {
  throw new LocatedError(message, at, 'compile');
};

/** Whether a text may stand behind a dot as the name of a member. */
export const isValidIdentifier = (text: string): boolean => IDENTIFIER.test(text);

const matchAt = (pattern: RegExp, source: string, at: number): string | undefined => {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
};

const one = (kind: TokenKind, value: string, at: number, end = at + value.length): Reading => ({
  tokens: [{ kind, value, at }],
  end,
});
const skip = (matched: string, at: number): Reading => ({ tokens: [], end: at + matched.length });
const asOperator = (matched: string, at: number): Reading => one('Operator', matched, at);

function readQuotedToken(matched: string, at: number, source: string): Reading {
  const prefix = matched.length - 1;
  const { value, end } = readQuoted(source, at + prefix);
  return one(prefix > 0 ? 'Bytes' : 'String', value, at, end);
}

function readBackquoted(matched: string, at: number, source: string): Reading {
  if (!matched.endsWith('`') || matched.length === 1) return fail('literal not terminated', source.length);
  return one('String', matched.slice(1, -1).replaceAll('``', '`'), at, at + matched.length);
}

/** A number ends before `..`, which is a range, and must not run into a word. */
function readNumber(matched: string, at: number, source: string): Reading {
  const base = /^0([xob])/i.exec(matched)?.[1]?.toLowerCase();
  const digits = `[${DIGITS[base ?? ''] ?? '0-9_'}]*`;
  const shape = new RegExp(`(?:0[xXoObB])?${digits}(?:\\.(?!\\.)${digits})?(?:[eE][+-]?${digits})?`, 'y');
  const text = matchAt(shape, source, at) ?? '';
  const end = at + text.length;
  const next = matchAt(WORD, source, end);
  if (next !== undefined) fail(`bad number syntax: ${JSON.stringify(text + next.charAt(0))}`, end);
  return one('Number', text, at);
}

function readComment(matched: string, at: number, source: string): Reading {
  if (matched.startsWith('/*') && !/\*\/$/.test(matched.slice(2))) fail('unclosed comment', source.length);
  return skip(matched, at);
}

function readNegation(matched: string, at: number): Reading {
  const word = matched.slice(3).trimStart();
  const end = at + matched.length;
  const operators: Token[] = [
    { kind: 'Operator', value: 'not', at },
    { kind: 'Operator', value: word, at: end - word.length },
  ];
  return { tokens: operators, end };
}

const readWord = (matched: string, at: number): Reading =>
  one(WORD_OPERATORS.has(matched) ? 'Operator' : 'Identifier', matched, at);

function rejectCharacter(matched: string, at: number): Reading {
  const code = (matched.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return fail(`unrecognized character: U+${code} '${matched}'`, at);
}

const RULES: readonly LexicalRule[] = [
  { pattern: /[\s\u0085]+/y, read: skip },
  { pattern: /\/\/[^\n]*\n?|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?/y, read: readComment },
  { pattern: /[bB]?['"]/y, read: readQuotedToken },
  { pattern: /`(?:[^`]|``)*`?/y, read: readBackquoted },
  { pattern: /0[xXoObB]?|\.?[0-9]/y, read: readNumber },
  { pattern: NEGATED_WORD, read: readNegation },
  { pattern: WORD, read: readWord },
  { pattern: /[()[\]{}]/y, read: (matched, at) => one('Bracket', matched, at) },
  { pattern: /\?[.?]?|\|\|?|::?|\.\.?|##?|[&!=*<>][&=*]?|[,;%+\-^/]/y, read: asOperator },
  { pattern: /[\s\S]/uy, read: rejectCharacter },
];

function readAt(source: string, at: number): Reading {
  for (const { pattern, read } of RULES) {
    const matched = matchAt(pattern, source, at);
    if (matched !== undefined) return read(matched, at, source);
  }
  return fail('unrecognized character', at);
}

/** The end token points at the last character, as the original's errors do. */
function endToken(source: string): Token {
  const last = source.length - 1;
  const at = last > 0 && /[\udc00-\udfff]/.test(source.charAt(last)) ? last - 1 : last;
  return { kind: 'EOF', value: '', at: Math.max(0, at) };
}

/** Splits an expression into tokens, the last one EOF; linear in its length. Throws LocatedError. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < source.length;) {
    const reading = readAt(source, at);
    tokens.push(...reading.tokens);
    at = reading.end;
  }
  tokens.push(endToken(source));
  return tokens;
}
