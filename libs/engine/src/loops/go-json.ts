import { compactJson } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';

const quotedCharacter = (character: string): string => {
  if (character === "'") return `'\\''`;
  return `'${character}'`;
};

const END = 'unexpected end of JSON input';
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };

const literalProblem = (text: string, literal: string): string => {
  const at = [...literal].findIndex((character, index) => text[index] !== character);
  const found = text[at];
  if (found === undefined) return END;
  return `invalid character ${quotedCharacter(found)} in literal ${literal} (expecting ${quotedCharacter(literal[at] ?? '')})`;
};

/** What Go says of a text that is no JSON: the first character that no value can begin or go on with. */
const problemOf = (text: string): string => {
  const trimmed = text.trimStart();
  const start = trimmed[0];
  if (start === undefined) return END;
  if (!/[[{"\-0-9tfn]/.test(start)) return `invalid character ${quotedCharacter(start)} looking for beginning of value`;
  const whole = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(trimmed)?.[0];
  const literal = LITERALS[start];
  if (literal !== undefined && whole === undefined) return literalProblem(trimmed, literal);
  const rest = whole === undefined ? '' : trimmed.slice(whole.length).trimStart();
  return rest === '' ? END : `invalid character ${quotedCharacter(rest[0] ?? '')} after top-level value`;
};

/** Checks a text as Go's encoding/json would and gives it back compact; throws ExecutionError with Go's words. */
export const parseGoJson = (text: string): string => {
  try {
    JSON.parse(text);
  } catch {
    throw new ExecutionError(problemOf(text));
  }
  return compactJson(text);
};
