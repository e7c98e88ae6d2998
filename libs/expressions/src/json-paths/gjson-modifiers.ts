import { elementsOf, membersOf, NOTHING, rawValue, textOf, type RawValue } from './raw-json.js';

/** Changes the text of a value; `argument` is what follows the modifier's colon. */
type Modifier = (raw: string, argument: string) => string;

const compact = (raw: string): string => raw.replace(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, (_, text?: string) => text ?? '');

/** One value per line, arrays of plain values that fit on one line kept there. */
function pretty(raw: string, indent = ''): string {
  const inner = `${indent}  `;
  if (raw.startsWith('{')) {
    const members = membersOf(raw).map(({ key, raw: value }) => `${inner}${JSON.stringify(key)}: ${pretty(value, inner)}`);
    return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`;
  }
  if (!raw.startsWith('[')) return raw;
  const elements = elementsOf(raw);
  if (elements.length === 0) return '[]';
  const line = `[${elements.join(', ')}]`;
  if (!elements.some((element) => /^[[{]/.test(element)) && indent.length + line.length <= 80) return line;
  return `[\n${elements.map((element) => inner + pretty(element, inner)).join(',\n')}\n${indent}]`;
}

function flatten(raw: string, deep: boolean): string[] {
  return elementsOf(raw).flatMap((element) => {
    if (!element.startsWith('[')) return [element];
    return deep ? flatten(element, deep) : elementsOf(element);
  });
}

function reverse(raw: string): string {
  if (raw.startsWith('[')) return `[${elementsOf(raw).reverse().join(',')}]`;
  if (!raw.startsWith('{')) return raw;
  const members = membersOf(raw).reverse();
  return `{${members.map(({ key, raw: value }) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}

function keys(raw: string): string {
  if (raw.startsWith('{'))
    return `[${membersOf(raw)
      .map(({ key }) => JSON.stringify(key))
      .join(',')}]`;
  return raw.startsWith('[')
    ? `[${elementsOf(raw)
        .map(() => 'null')
        .join(',')}]`
    : '[]';
}

function join(raw: string): string {
  const merged = new Map<string, string>();
  for (const element of elementsOf(raw)) for (const { key, raw: value } of membersOf(element)) merged.set(key, value);
  return raw.startsWith('[') ? `{${[...merged].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}` : raw;
}

const isValid = (raw: string): boolean => {
  try {
    JSON.parse(raw);
    return true;
  } catch {
    return false;
  }
};

const MODIFIERS: Readonly<Record<string, Modifier>> = {
  this: (raw) => raw,
  ugly: compact,
  pretty: (raw) => `${pretty(compact(raw))}\n`,
  valid: (raw) => (isValid(raw) ? raw : ''),
  tostr: (raw) => JSON.stringify(raw),
  fromstr: (raw) => (raw.startsWith('"') && isValid(textOf(raw)) ? textOf(raw) : ''),
  flatten: (raw, argument) => (raw.startsWith('[') ? `[${flatten(raw, argument.includes('"deep":true')).join(',')}]` : raw),
  reverse,
  keys,
  values: (raw) =>
    raw.startsWith('{')
      ? `[${membersOf(raw)
          .map(({ raw: value }) => value)
          .join(',')}]`
      : raw,
  join,
};

/** Whether gjson has a modifier of that name. */
export const isModifier = (name: string): boolean => Object.hasOwn(MODIFIERS, name);

/** Applies a modifier to a value. */
export function applyModifier(name: string, value: RawValue, argument: string): RawValue {
  const changed = MODIFIERS[name]?.(value.raw, argument) ?? '';
  if (changed === '') return NOTHING;
  return name === 'pretty' ? { ...rawValue(changed), raw: changed } : rawValue(changed);
}
