import { ExpressionError } from '../errors.js';
import { Float64, formatJsonFloat, isInt } from './numbers.js';
import { GoDuration, GoTime } from './time-values.js';
import { compareStrings, goTypeName, isNil, isRecord } from './values.js';
import { formatRfc3339 } from './time-format.js';
import { base64Encode } from './base64.js';

const ESCAPED = /["\\\u0000-\u001f<>&\u2028\u2029\ud800-\udfff]/;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
const MAX_DEPTH = 1000;

/** A JSON string as encoding/json writes it; `escapeHtml` also hides `<`, `>` and `&`. */
export function goJsonString(text: string, escapeHtml = true): string {
  if (!ESCAPED.test(text)) return `"${text}"`;
  let out = '"';
  for (const c of text) {
    const code = c.codePointAt(0) ?? 0;
    const short = SHORT[c];
    if (short !== undefined) out += short;
    else if (code >= 0xd800 && code <= 0xdfff) out += '\\ufffd';
    else if (code < 0x20 || code === 0x2028 || code === 0x2029 || (escapeHtml && '<>&'.includes(c))) {
      out += `\\u${code.toString(16).padStart(4, '0')}`;
    } else out += c;
  }
  return `${out}"`;
}

interface Style {
  readonly indent: string;
  readonly escapeHtml: boolean;
}

function entriesOf(value: unknown): [string, unknown][] {
  if (value instanceof Map) throw new ExpressionError('json: unsupported type: map[interface {}]interface {}');
  if (!isRecord(value)) throw new ExpressionError(`json: unsupported type: ${goTypeName(value)}`);
  return Object.entries(value).sort(([a], [b]) => compareStrings(a, b));
}

function writeList(parts: readonly string[], brackets: string, style: Style, depth: number): string {
  const open = brackets.charAt(0);
  const close = brackets.charAt(1);
  if (parts.length === 0) return open + close;
  if (style.indent === '') return open + parts.join(',') + close;
  const pad = `\n${style.indent.repeat(depth + 1)}`;
  return `${open}${pad}${parts.join(`,${pad}`)}\n${style.indent.repeat(depth)}${close}`;
}

function write(value: unknown, style: Style, depth: number): string {
  if (depth > MAX_DEPTH) throw new ExpressionError('json: value is nested too deeply');
  if (isNil(value)) return 'null';
  if (typeof value === 'string') return goJsonString(value, style.escapeHtml);
  if (typeof value === 'boolean') return String(value);
  if (isInt(value)) return String(value);
  if (typeof value === 'number') return formatJsonFloat(value);
  if (value instanceof Float64) return formatJsonFloat(value.value);
  if (Array.isArray(value)) {
    return writeList(
      value.map((item) => write(item, style, depth + 1)),
      '[]',
      style,
      depth,
    );
  }
  if (value instanceof Uint8Array) return `"${base64Encode(value)}"`;
  if (value instanceof GoTime) return `"${formatRfc3339(value)}"`;
  if (value instanceof GoDuration) return String(value.ns);
  const colon = style.indent === '' ? ':' : ': ';
  const parts = entriesOf(value).map(
    ([key, item]) => goJsonString(key, style.escapeHtml) + colon + write(item, style, depth + 1),
  );
  return writeList(parts, '{}', style, depth);
}

/**
 * A value as Go's encoding/json marshals it: keys sorted, `<`, `>`, `&` escaped (unless told otherwise), Go's number
 * formats; with `indent`, as MarshalIndent with an empty prefix. Throws ExpressionError for NaN, infinities and functions.
 */
export const goJson = (value: unknown, indent = '', escapeHtml = true): string => write(value, { indent, escapeHtml }, 0);
