import type { JsonValue } from '#libs/workflow-spec';

/** A value as Go's `%v` prints it, for messages that quote one: `map[a:1 b:[x y]]`, keys in order, null as `<nil>`. */
export function goText(value: JsonValue): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value === 'object') {
    const keys = Object.keys(value).sort();
    return `map[${keys.map((key) => `${key}:${goText(value[key] ?? null)}`).join(' ')}]`;
  }
  return String(value);
}
