const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Standard base32 with padding. */
export function base32Encode(bytes: Uint8Array): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  let text = '';
  for (let at = 0; at < bits.length; at += 5) text += ALPHABET.charAt(Number.parseInt(bits.slice(at, at + 5).padEnd(5, '0'), 2));
  return text.padEnd(Math.ceil(text.length / 8) * 8, '=');
}

/** Decodes standard base32; gives the offset of the first bad byte instead of throwing. */
export function base32Decode(text: string): Uint8Array | { readonly badAt: number } {
  const clean = text.replace(/[\r\n]/g, '');
  const digits = clean.replace(/=+$/, '');
  if (clean.length % 8 !== 0) return { badAt: clean.length };
  let bits = '';
  for (let at = 0; at < digits.length; at++) {
    const code = ALPHABET.indexOf(digits.charAt(at));
    if (code < 0) return { badAt: at };
    bits += code.toString(2).padStart(5, '0');
  }
  const bytes: number[] = [];
  for (let at = 0; at + 8 <= bits.length; at += 8) bytes.push(Number.parseInt(bits.slice(at, at + 8), 2));
  return Uint8Array.from(bytes);
}
