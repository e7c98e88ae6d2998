import { Float64, formatFloat, isInt } from './numbers.js';
import { GoDuration, GoLocation, GoTime } from './time-values.js';
import { NamedInt } from './time-methods.js';
import { compareStrings, isNil, isRecord } from './values.js';
import { formatDuration } from './duration.js';
import { formatTimeValue } from './time-format.js';

/** A value as fmt's `%v` prints it: what expr-lang's `string()` gives. */
export function goFormatValue(value: unknown): string {
  if (isNil(value)) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || isInt(value)) return String(value);
  if (typeof value === 'number') return formatFloat(value);
  if (value instanceof Float64) return formatFloat(value.value);
  if (value instanceof Uint8Array) return `[${[...value].join(' ')}]`;
  if (Array.isArray(value)) return `[${value.map(goFormatValue).join(' ')}]`;
  if (value instanceof GoTime) return formatTimeValue(value);
  if (value instanceof GoDuration) return formatDuration(value);
  if (value instanceof GoLocation) return value.zone;
  if (value instanceof NamedInt) return value.text;
  if (value instanceof Map) return `map[${[...value].map(([k, v]) => `${goFormatValue(k)}:${goFormatValue(v)}`).join(' ')}]`;
  if (!isRecord(value)) return '';
  const entries = Object.entries(value).sort(([a], [b]) => compareStrings(a, b));
  return `map[${entries.map(([key, item]) => `${key}:${goFormatValue(item)}`).join(' ')}]`;
}
