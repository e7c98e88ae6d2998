import type { JsonValue } from './model/workflow.js';

/** JSON with object keys in the order Go's encoder uses for maps (sorted by UTF-16 unit), without spaces. */
export const sortedJson = (value: JsonValue): string => {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${sortedJson(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
};

/** Where the JSON string that begins at `start` (a quote) ends: the index after its closing quote. */
const endOfString = (json: string, start: number): number => {
  let index = start + 1;
  while (index < json.length && json[index] !== '"') index += json[index] === '\\' ? 2 : 1;
  return index + 1;
};

/** The text without white space outside of strings. */
export const compactJson = (json: string): string => {
  let compact = '';
  let index = 0;
  while (index < json.length) {
    const character = json[index] ?? '';
    if (character === '"') {
      const end = endOfString(json, index);
      compact += json.slice(index, end);
      index = end;
    } else {
      if (!/\s/.test(character)) compact += character;
      index += 1;
    }
  }
  return compact;
};

/** Cuts the members of a valid, compact JSON list or object at its top level; each stays as it was written (`1.0` stays `1.0`). */
export const splitJsonMembers = (json: string): string[] => {
  const members: string[] = [];
  let depth = 0;
  let start = 1;
  let index = 0;
  while (index < json.length) {
    const character = json[index] ?? '';
    if (character === '"') {
      index = endOfString(json, index);
      continue;
    }
    if (character === '[' || character === '{') depth += 1;
    if (character === ']' || character === '}') depth -= 1;
    if ((character === ',' && depth === 1) || depth === 0) {
      if (index > start) members.push(json.slice(start, index));
      start = index + 1;
    }
    index += 1;
  }
  return members;
};
