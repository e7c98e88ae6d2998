/** Whether Go's strconv.IsPrint calls the character printable (letters, marks, numbers, punctuation, symbols, space). */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const PLAIN = /^[ !#-[\]-~]*$/;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

function quoteCharacter(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  if (PRINTABLE.test(character)) return character;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code > 0xffff) return `\\U${code.toString(16).padStart(8, '0')}`;
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** The inside of Go's strconv.Quote, without the surrounding quotes: what Argo inserts for a simple tag. */
export function goQuoteBody(text: string): string {
  if (PLAIN.test(text)) return text;
  let quoted = '';
  for (const character of text) quoted += quoteCharacter(character);
  return quoted;
}

/** Go's strconv.Quote. */
export const goQuote = (text: string): string => `"${goQuoteBody(text)}"`;
