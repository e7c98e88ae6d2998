import { ExpressionError } from '../errors.js';

/** A step of a JSONPath. */
export type PathStep =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'recursive' }
  | { readonly kind: 'slice'; readonly from?: number; readonly to?: number; readonly step?: number }
  | { readonly kind: 'union'; readonly members: readonly (string | number)[] }
  | { readonly kind: 'filter'; readonly source: string };

const invalid = (path: string, reason: string): never => {
  throw new ExpressionError(`invalid JSONPath selector '${path}' ${reason}`, 'parse');
};

/** The end of a bracket that starts at `at`, quotes and nested brackets skipped; -1 when it never ends. */
function closingBracket(path: string, at: number): number {
  let depth = 0;
  let quote = '';
  for (let i = at; i < path.length; i++) {
    const c = path.charAt(i);
    if (quote !== '') {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === "'" || c === '"') quote = c;
    else if (c === '[' || c === '(') depth++;
    else if ((c === ']' || c === ')') && --depth === 0) return i;
  }
  return -1;
}

const unquote = (text: string): string => text.slice(1, -1).replace(/\\(.)/g, '$1');
const isQuoted = (text: string): boolean => /^(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")$/s.test(text);

function parseSlice(text: string): PathStep {
  const [from, to, step] = text.split(':').map((part) => (part.trim() === '' ? undefined : Number(part)));
  return {
    kind: 'slice',
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(step === undefined ? {} : { step }),
  };
}

function parseMember(text: string): string | number | undefined {
  if (isQuoted(text)) return unquote(text);
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function parseBracket(content: string, path: string): PathStep {
  const text = content.trim();
  if (text === '*') return { kind: 'wildcard' };
  if (text.startsWith('?(') && text.endsWith(')')) return { kind: 'filter', source: text.slice(2, -1) };
  if (isQuoted(text)) return { kind: 'key', key: unquote(text) };
  if (/^-?\d+$/.test(text)) return { kind: 'index', index: Number(text) };
  if (/^\s*-?\d*\s*:\s*-?\d*\s*(?::\s*-?\d*\s*)?$/.test(text)) return parseSlice(text);
  const members = (text.match(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^,]+/g) ?? []).map((part) => parseMember(part.trim()));
  if (members.length > 1 && members.every((member) => member !== undefined)) return { kind: 'union', members };
  return invalid(path, `invalid token. '[${content}]' does not match any token format`);
}

/** Cuts a JSONPath into its steps; throws ExpressionError. */
export function parseJsonPath(path: string): PathStep[] {
  if (!path.startsWith('$')) invalid(path, `unexpected token '${path.charAt(0)}' at index 0`);
  const steps: PathStep[] = [];
  let at = 1;
  while (at < path.length) {
    if (path.charAt(at) === '[') {
      const end = closingBracket(path, at);
      if (end < 0) invalid(path, `invalid token. '${path.slice(at)}' does not match any token format`);
      steps.push(parseBracket(path.slice(at + 1, end), path));
      at = end + 1;
      continue;
    }
    if (path.charAt(at) !== '.') invalid(path, `unexpected token '${path.charAt(at)}' at index ${at}`);
    at++;
    if (path.charAt(at) === '.') {
      steps.push({ kind: 'recursive' });
      at++;
    }
    if (path.charAt(at) === '[') continue;
    const name = /^[^.[]*/.exec(path.slice(at))?.[0] ?? '';
    if (name === '') invalid(path, `unexpected token '${path.charAt(at)}' at index ${at}`);
    steps.push(name === '*' ? { kind: 'wildcard' } : { kind: 'key', key: name });
    at += name.length;
  }
  return steps;
}
