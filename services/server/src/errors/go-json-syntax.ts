/**
 * Where a text stops being JSON, in the words of Go's encoding/json, which Argo's API answers with. Only called for a text that
 * JSON.parse has refused; a small reader of the grammar, iterative in nothing but strings, so depth is bounded by the body limit's check.
 */
class SyntaxProblem extends Error {}

const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
const MAX_DEPTH = 500;

const quoteCharacter = (character: string): string => {
  if (character === "'") return `'\\''`;
  if (character === '"') return `'"'`;
  return `'${JSON.stringify(character).slice(1, -1)}'`;
};

class GoJsonReader {
  private at = 0;

  constructor(private readonly text: string) {}

  problem(): string {
    try {
      this.value(0);
    } catch (thrown) {
      if (thrown instanceof SyntaxProblem) return thrown.message;
      throw thrown;
    }
    return 'invalid JSON';
  }

  private refuse(context: string): never {
    if (this.at >= this.text.length) throw new SyntaxProblem('unexpected EOF');
    const character = String.fromCodePoint(this.text.codePointAt(this.at) ?? 0);
    throw new SyntaxProblem(`invalid character ${quoteCharacter(character)} ${context}`);
  }

  private peek(): string {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? '')) this.at += 1;
    return this.text[this.at] ?? '';
  }

  private value(depth: number): void {
    if (depth > MAX_DEPTH) throw new SyntaxProblem('exceeded max depth');
    const first = this.peek();
    if (first === '{') return this.object(depth);
    if (first === '[') return this.array(depth);
    if (first === '"') return this.string();
    if (first === '-' || /\d/.test(first)) return this.number();
    const literal = LITERALS[first];
    if (literal === undefined) this.refuse('looking for beginning of value');
    this.literal(literal);
  }

  private literal(word: string): void {
    for (const letter of word) {
      if (this.text[this.at] !== letter) this.refuse(`in literal ${word} (expecting ${quoteCharacter(letter)})`);
      this.at += 1;
    }
  }

  private object(depth: number): void {
    this.at += 1;
    if (this.peek() === '}') return void (this.at += 1);
    for (;;) {
      if (this.peek() !== '"') this.refuse('looking for beginning of object key string');
      this.string();
      if (this.peek() !== ':') this.refuse('after object key');
      this.at += 1;
      this.value(depth + 1);
      const next = this.peek();
      if (next === '}') return void (this.at += 1);
      if (next !== ',') this.refuse('after object key:value pair');
      this.at += 1;
    }
  }

  private array(depth: number): void {
    this.at += 1;
    if (this.peek() === ']') return void (this.at += 1);
    for (;;) {
      this.value(depth + 1);
      const next = this.peek();
      if (next === ']') return void (this.at += 1);
      if (next !== ',') this.refuse('after array element');
      this.at += 1;
    }
  }

  private string(): void {
    this.at += 1;
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined || character < ' ') this.refuse('in string literal');
      this.at += 1;
      if (character === '"') return;
      if (character === '\\') this.escape();
    }
  }

  private escape(): void {
    const kind = this.text[this.at] ?? '';
    if (kind === '' || !'"\\/bfnrtu'.includes(kind)) this.refuse('in string escape code');
    this.at += 1;
    if (kind !== 'u') return;
    for (let digit = 0; digit < 4; digit += 1) {
      if (!/[0-9a-fA-F]/.test(this.text[this.at] ?? '')) this.refuse('in \\u hexadecimal character escape');
      this.at += 1;
    }
  }

  private digits(context: string): void {
    if (!/\d/.test(this.text[this.at] ?? '')) this.refuse(context);
    while (/\d/.test(this.text[this.at] ?? '')) this.at += 1;
  }

  private number(): void {
    if (this.text[this.at] === '-') this.at += 1;
    if (this.text[this.at] === '0') this.at += 1;
    else this.digits('in numeric literal');
    if (this.text[this.at] === '.') {
      this.at += 1;
      this.digits('after decimal point in numeric literal');
    }
    if (/[eE]/.test(this.text[this.at] ?? '')) {
      this.at += 1;
      if (/[+-]/.test(this.text[this.at] ?? '')) this.at += 1;
      this.digits('in exponent of numeric literal');
    }
  }
}

/** `invalid character 'n' looking for beginning of object key string`, `unexpected EOF`, … */
export const goJsonProblem = (text: string): string => new GoJsonReader(text).problem();
