const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Standard base64 with padding. */
export function base64Encode(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = Math.min(3, bytes.length - at);
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let i = 0; i < 4; i++) text += i <= left ? ALPHABET.charAt((group >> (18 - 6 * i)) & 63) : '=';
  }
  return text;
}

/** Decodes standard base64 with padding (line breaks ignored); gives the offset of the first bad byte instead of throwing. */
export function base64Decode(text: string): Uint8Array | { readonly badAt: number } {
  const clean = text.replace(/[\r\n]/g, '');
  const bytes: number[] = [];
  for (let at = 0; at < clean.length; at += 4) {
    const group = clean.slice(at, at + 4);
    const digits = group.replace(/={1,2}$/, '');
    const last = at + 4 >= clean.length;
    const codes = [...digits].map((c) => ALPHABET.indexOf(c));
    const wrong = codes.findIndex((code) => code < 0);
    if (wrong >= 0) return { badAt: at + wrong };
    if (group.length < 4)
      return { badAt: at + group.length - digits.length > at ? at + digits.length : clean.length - group.length };
    if (digits.length < 4 && (!last || digits.length < 2)) return { badAt: at + digits.length };
    const bits = codes.reduce((sum, code, i) => sum | (code << (18 - 6 * i)), 0);
    for (let i = 0; i < digits.length - 1; i++) bytes.push((bits >> (16 - 8 * i)) & 255);
  }
  return Uint8Array.from(bytes);
}
