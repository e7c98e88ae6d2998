const ASCII = /^[\x00-\x7f]*$/;

/** Whether the text is pure ASCII, so that bytes and characters coincide. */
export const isAscii = (text: string): boolean => ASCII.test(text);

/** The UTF-8 bytes of a text; lone surrogates become U+FFFD. */
export function utf8Encode(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}

interface Decoded {
  readonly code: number;
  readonly size: number;
}

const INVALID: Decoded = { code: 0xfffd, size: 1 };
/** The smallest code point that each length may encode. */
const SMALLEST: readonly number[] = [0, 0, 0x80, 0x800, 0x10000];

function decodeAt(bytes: Uint8Array, at: number): Decoded {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { code: first, size: 1 };
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return INVALID;
  let code = first & (0x7f >> size);
  for (let i = 1; i < size; i++) {
    const next = bytes[at + i] ?? 0;
    if ((next & 0xc0) !== 0x80) return INVALID;
    code = (code << 6) | (next & 63);
  }
  const valid = code >= (SMALLEST[size] ?? 0) && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return valid ? { code, size } : INVALID;
}

/** The text of UTF-8 bytes; every invalid byte becomes U+FFFD, as Go's conversions show it. */
export function utf8Decode(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const { code, size } = decodeAt(bytes, at);
    text += String.fromCodePoint(code);
    at += size;
  }
  return text;
}

/** The length of a text in UTF-8 bytes. */
export const byteLength = (text: string): number => (isAscii(text) ? text.length : utf8Encode(text).length);

/** The bytes from..to of a text, as a Go slice of a string. */
export const byteSlice = (text: string, from: number, to: number): string =>
  isAscii(text) ? text.slice(from, to) : utf8Decode(utf8Encode(text).slice(from, to));
