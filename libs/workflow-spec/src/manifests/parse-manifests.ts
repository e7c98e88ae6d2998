import { Composer, LineCounter, Parser, type CST, type Document, type ParsedNode } from 'yaml';
import { ManifestSyntaxError } from '../errors.js';
import { utf8Length } from '../node-names.js';
import type { JsonValue } from '../model/workflow.js';
import { createLenientLexer } from './lenient-lexer.js';
import { goYamlTags } from './yaml-dialect.js';

export interface ParseLimits {
  /** Of the whole text, in UTF-8; default 2 MiB. */
  maxBytes?: number;
  /** Levels of lists and objects; default 200. */
  maxDepth?: number;
  /** Lists, objects and scalars of one document after its aliases are followed; default 500,000. */
  maxNodes?: number;
}

/** One document of a text, as plain JSON values. */
export interface Manifest {
  /** Counts from 1; empty documents count but are not given. */
  document: number;
  value: JsonValue;
}

const DEFAULT_LIMITS: Required<ParseLimits> = { maxBytes: 2 * 1024 * 1024, maxDepth: 200, maxNodes: 500_000 };
/** How often anchored values may be repeated in all; what stops "billion laughs". */
const MAX_ALIASES = 1000;

const assertSize = (text: string, maxBytes: number): void => {
  if (text.length > maxBytes || utf8Length(text) > maxBytes) {
    throw new ManifestSyntaxError(`the text is larger than ${maxBytes} bytes`, { document: 1 });
  }
};

/** A first pass over the indicators alone: the YAML reader is recursive, so depth has to be known before it starts. */
const assertFlowDepth = (text: string, maxDepth: number): void => {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === 0x5b || character === 0x7b) depth += 1;
    else if (character === 0x5d || character === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > maxDepth * 8) throw new ManifestSyntaxError(`nested deeper than ${maxDepth} levels`, { document: 1 });
  }
};

/** Checks a plain value against depth, size and the one key that is not just a name in JavaScript. Iterative: depth is not ours to trust. */
const assertHarmless = (root: JsonValue, document: number, limits: Required<ParseLimits>): void => {
  const pending: { value: JsonValue; depth: number }[] = [{ value: root, depth: 1 }];
  let nodes = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    nodes += 1;
    if (nodes > limits.maxNodes) throw new ManifestSyntaxError(`more than ${limits.maxNodes} values`, { document });
    if (value === null || typeof value !== 'object') continue;
    if (depth > limits.maxDepth) throw new ManifestSyntaxError(`nested deeper than ${limits.maxDepth} levels`, { document });
    if (!Array.isArray(value) && Object.hasOwn(value, '__proto__')) {
      throw new ManifestSyntaxError('the key "__proto__" is not allowed', { document });
    }
    for (const member of Object.values(value)) pending.push({ value: member, depth: depth + 1 });
  }
};

const plainValue = (yaml: Document.Parsed<ParsedNode>, document: number): JsonValue => {
  try {
    return yaml.toJS({ maxAliasCount: MAX_ALIASES }) as JsonValue;
  } catch (cause) {
    const reason = cause instanceof ReferenceError ? 'aliases expand to too many values' : 'nested too deeply';
    throw new ManifestSyntaxError(reason, { document });
  }
};

function* readTokens(text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of createLenientLexer().lex(text)) yield* parser.next(lexeme);
  yield* parser.end();
}

/** The documents with their nodes; `lines` learns where lines begin. Throws ManifestSyntaxError where the nesting is too deep. */
export const composeManifests = (text: string, lines: LineCounter): Document.Parsed<ParsedNode>[] => {
  const composer = new Composer<ParsedNode>({
    version: '1.2',
    merge: true,
    customTags: goYamlTags,
    uniqueKeys: true,
    logLevel: 'silent',
  });
  try {
    return [...composer.compose(readTokens(text, lines), false, text.length)];
  } catch (cause) {
    if (cause instanceof RangeError) throw new ManifestSyntaxError('nested too deeply', { document: 1 });
    throw cause;
  }
};

/** The reader catches its own overflow of the stack and reports it like a mistake in the text. */
const problemText = (message: string): string => {
  const firstLine = message.split('\n')[0] ?? 'not YAML';
  return /call stack/i.test(firstLine) ? 'nested too deeply' : firstLine;
};

const parseYaml = (text: string, limits: Required<ParseLimits>): Manifest[] => {
  const lines = new LineCounter();
  assertFlowDepth(text, limits.maxDepth);
  const documents = composeManifests(text, lines);
  return documents.flatMap((yaml, index) => {
    const document = index + 1;
    const problem = yaml.errors[0];
    if (problem !== undefined) {
      const { line, col } = lines.linePos(problem.pos[0]);
      throw new ManifestSyntaxError(problemText(problem.message), { document, line, column: col });
    }
    const value = plainValue(yaml, document);
    if (value === null) return [];
    assertHarmless(value, document, limits);
    return [{ document, value }];
  });
};

const parseJson = (text: string): JsonValue | undefined => {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
};

/**
 * The documents of a YAML or JSON text (`---` between them) as plain values, read as Argo's tools read YAML. Empty documents are left out.
 * ManifestSyntaxError names document, line and column; texts that are too large, too deep or expand too far are refused in bounded time.
 */
export const parseManifests = (text: string, limits: ParseLimits = {}): Manifest[] => {
  const all = { ...DEFAULT_LIMITS, ...limits };
  assertSize(text, all.maxBytes);
  const json = /^\s*\{/.test(text) ? parseJson(text) : undefined;
  if (json === undefined) return parseYaml(text, all);
  assertHarmless(json, 1, all);
  return [{ document: 1, value: json }];
};

/** Checks a value that arrived parsed (an HTTP body) against the same limits as a text: depth, number of values, `__proto__`. */
export const assertPlainValue = (value: JsonValue, limits: ParseLimits = {}): void => {
  assertHarmless(value, 1, { ...DEFAULT_LIMITS, ...limits });
};
