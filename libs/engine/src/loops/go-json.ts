import { compactJson } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';

const quotedCharacter = (character: string): string => {
  if (character === "'") return `'\\''`;
  return `'${character}'`;
};

/** Where JSON.parse stops, told by trying: the first character that no JSON value can go on with. */
const firstInvalid = (text: string): string => {
  const trimmed = text.trimStart();
  if (trimmed === '') return 'unexpected end of JSON input';
  const start = trimmed[0] ?? '';
  if (!/[[{"\-0-9tfn]/.test(start)) return `invalid character ${quotedCharacter(start)} looking for beginning of value`;
  const word = /^(true|false|null)/.exec(trimmed)?.[0];
  const literal = { t: 'true', f: 'false', n: 'null' }[start];
  if (literal !== undefined && word === undefined) {
    const at = [...literal].findIndex((character, index) => trimmed[index] !== character);
    const found = trimmed[at];
    if (found === undefined) return 'unexpected end of JSON input';
    return `invalid character ${quotedCharacter(found)} in literal ${literal} (expecting ${quotedCharacter(literal[at] ?? '')})`;
  }
  const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(trimmed)?.[0];
  const rest = trimmed.slice((word ?? number ?? '').length).trimStart();
  if ((word !== undefined || number !== undefined) && rest !== '')
    return `invalid character ${quotedCharacter(rest[0] ?? '')} after top-level value`;
  return 'unexpected end of JSON input';
};

/** Checks a text as Go's encoding/json would and gives it back compact; throws ExecutionError with Go's words. */
export const parseGoJson = (text: string): string => {
  try {
    JSON.parse(text);
  } catch {
    throw new ExecutionError(firstInvalid(text));
  }
  return compactJson(text);
};
