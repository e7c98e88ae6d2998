/** A JSON value by its text: what a gjson path leads to. `raw` is empty where nothing was found. */
export interface RawValue {
  readonly exists: boolean;
  readonly type: 'Null' | 'False' | 'Number' | 'String' | 'True' | 'JSON';
  readonly raw: string;
}

export const NOTHING: RawValue = { exists: false, type: 'Null', raw: '' };

const TYPES: Readonly<Record<string, RawValue['type']>> = {
  '"': 'String',
  '{': 'JSON',
  '[': 'JSON',
  t: 'True',
  f: 'False',
  n: 'Null',
};

/** The value that a JSON text is. */
export function rawValue(text: string): RawValue {
  const raw = text.trim();
  const first = raw.charAt(0);
  if (first === '') return NOTHING;
  const type = TYPES[first] ?? (/[-0-9]/.test(first) ? 'Number' : undefined);
  return type ? { exists: true, type, raw } : NOTHING;
}

const WORD = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;

const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const SPACE = /[ \t\r\n]*/y;

/** Finds where values end, without building them; iterative, so that depth is no danger. */
class Scanner {
  at = 0;
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) return undefined;
    this.at += found.length;
    return found;
  }

  /** Skips a value and gives its text; undefined where there is none. */
  value(): string | undefined {
    this.match(SPACE);
    const start = this.at;
    const closers: string[] = [];
    do {
      this.match(SPACE);
      const c = this.text.charAt(this.at);
      if (c === '{' || c === '[') {
        closers.push(c === '{' ? '}' : ']');
        this.at++;
      } else if (c !== '' && c === closers.at(-1)) {
        closers.pop();
        this.at++;
      } else if ((c === ',' || c === ':') && closers.length > 0) this.at++;
      else if (this.match(STRING) === undefined && this.match(WORD) === undefined) return undefined;
    } while (closers.length > 0);
    return this.text.slice(start, this.at);
  }

  is(c: string): boolean {
    this.match(SPACE);
    if (this.text.charAt(this.at) !== c) return false;
    this.at++;
    return true;
  }
}

/** The members of an object's text in order, as far as it is well formed. */
export function membersOf(raw: string): { readonly key: string; readonly raw: string }[] {
  const scanner = new Scanner(raw);
  const members: { key: string; raw: string }[] = [];
  if (!scanner.is('{')) return members;
  while (!scanner.is('}')) {
    scanner.match(SPACE);
    const key = scanner.match(STRING);
    if (key === undefined || !scanner.is(':')) return members;
    const value = scanner.value();
    if (value === undefined) return members;
    members.push({ key: textOf(key), raw: value });
    scanner.is(',');
  }
  return members;
}

/** The elements of an array's text in order, as far as it is well formed. */
export function elementsOf(raw: string): string[] {
  const scanner = new Scanner(raw);
  const elements: string[] = [];
  if (!scanner.is('[')) return elements;
  while (!scanner.is(']')) {
    const value = scanner.value();
    if (value === undefined) return elements;
    elements.push(value);
    scanner.is(',');
  }
  return elements;
}

/** The text of a JSON string. */
export function textOf(raw: string): string {
  try {
    return JSON.parse(raw) as string;
  } catch {
    return raw.slice(1, -1);
  }
}
