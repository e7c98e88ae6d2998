/** The first `count` primes. */
function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n);
  return found;
}

/** floor(root of n × 2^(bits × degree)), by Newton's method on whole numbers. */
function integerRoot(n: bigint, degree: bigint): bigint {
  let high = 1n;
  while (high ** degree <= n) high *= 2n;
  let low = high / 2n;
  while (low < high - 1n) {
    const middle = (low + high) / 2n;
    if (middle ** degree <= n) low = middle;
    else high = middle;
  }
  return low;
}

/** The fraction bits of the roots of the first primes: what SHA-2's constants are made of. */
const rootBits = (count: number, bits: number, degree: bigint): bigint[] =>
  primes(count).map((prime) => BigInt.asUintN(bits, integerRoot(BigInt(prime) << (BigInt(bits) * degree), degree)));

/** The message with SHA's padding, as big-endian words of `wordBytes`. */
function paddedWords(message: Uint8Array, wordBytes: number): bigint[] {
  const block = wordBytes * 16;
  const length = Math.ceil((message.length + 1 + wordBytes * 2) / block) * block;
  const bytes = new Uint8Array(length);
  bytes.set(message);
  bytes[message.length] = 0x80;
  let bits = BigInt(message.length) * 8n;
  for (let at = length - 1; bits > 0n; at--, bits >>= 8n) bytes[at] = Number(bits & 255n);
  const words: bigint[] = [];
  for (let at = 0; at < length; at += wordBytes) {
    let word = 0n;
    for (let i = 0; i < wordBytes; i++) word = (word << 8n) | BigInt(bytes[at + i] ?? 0);
    words.push(word);
  }
  return words;
}

function bytesOfWords(words: readonly bigint[], wordBytes: number): Uint8Array {
  const bytes: number[] = [];
  for (const word of words) for (let i = wordBytes - 1; i >= 0; i--) bytes.push(Number((word >> BigInt(8 * i)) & 255n));
  return Uint8Array.from(bytes);
}

interface Sha2 {
  readonly bits: 32 | 64;
  readonly rounds: number;
  /** Rotations of Σ0, Σ1, σ0 and σ1; the last of σ is a shift. */
  readonly rotations: readonly (readonly [number, number, number])[];
}

const SHA256: Sha2 = {
  bits: 32,
  rounds: 64,
  rotations: [
    [2, 13, 22],
    [6, 11, 25],
    [7, 18, 3],
    [17, 19, 10],
  ],
};
const SHA512: Sha2 = {
  bits: 64,
  rounds: 80,
  rotations: [
    [28, 34, 39],
    [14, 18, 41],
    [1, 8, 7],
    [19, 61, 6],
  ],
};

type Words = readonly [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];

function sha2(message: Uint8Array, { bits, rounds, rotations }: Sha2): Uint8Array {
  const size = BigInt(bits);
  const mask = (1n << size) - 1n;
  const rotate = (x: bigint, n: number): bigint => (x >> BigInt(n)) | ((x << (size - BigInt(n))) & mask);
  const mix = (x: bigint, index: number, shifts: boolean): bigint => {
    const [a, b, c] = rotations[index] ?? [0, 0, 0];
    return rotate(x, a) ^ rotate(x, b) ^ (shifts ? x >> BigInt(c) : rotate(x, c));
  };
  const constants = rootBits(rounds, bits, 3n);
  let state: readonly bigint[] = rootBits(8, bits, 2n);
  const words = paddedWords(message, bits / 8);
  for (let at = 0; at < words.length; at += 16) {
    const w = words.slice(at, at + 16);
    for (let t = 16; t < rounds; t++) {
      w.push((mix(w[t - 2] ?? 0n, 3, true) + (w[t - 7] ?? 0n) + mix(w[t - 15] ?? 0n, 2, true) + (w[t - 16] ?? 0n)) & mask);
    }
    let round = state as unknown as Words;
    for (let t = 0; t < rounds; t++) {
      const [a, b, c, d, e, f, g, h] = round;
      const first = h + mix(e, 1, false) + ((e & f) ^ (~e & mask & g)) + (constants[t] ?? 0n) + (w[t] ?? 0n);
      const second = mix(a, 0, false) + ((a & b) ^ (a & c) ^ (b & c));
      round = [(first + second) & mask, a, b, c, (d + first) & mask, e, f, g];
    }
    const mixed = round;
    state = state.map((word, i) => (word + (mixed[i] ?? 0n)) & mask);
  }
  return bytesOfWords(state, bits / 8);
}

export const sha256 = (message: Uint8Array): Uint8Array => sha2(message, SHA256);
export const sha512 = (message: Uint8Array): Uint8Array => sha2(message, SHA512);

/** The round function and constant of a SHA-1 step. */
function sha1Step(t: number, b: number, c: number, d: number): readonly [number, number] {
  if (t < 20) return [(b & c) | (~b & d), 0x5a827999];
  if (t < 40) return [b ^ c ^ d, 0x6ed9eba1];
  if (t < 60) return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
  return [b ^ c ^ d, 0xca62c1d6];
}

export function sha1(message: Uint8Array): Uint8Array {
  const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
  const words = paddedWords(message, 4).map(Number);
  let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  for (let at = 0; at < words.length; at += 16) {
    const w = words.slice(at, at + 16);
    for (let t = 16; t < 80; t++) {
      w.push(rotate((w[t - 3] ?? 0) ^ (w[t - 8] ?? 0) ^ (w[t - 14] ?? 0) ^ (w[t - 16] ?? 0), 1));
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
    for (let t = 0; t < 80; t++) {
      const [mixed, constant] = sha1Step(t, b, c, d);
      const next = (rotate(a, 5) + mixed + e + constant + (w[t] ?? 0)) | 0;
      [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
    }
    const round = [a, b, c, d, e];
    state = state.map((word, i) => (word + (round[i] ?? 0)) | 0);
  }
  return bytesOfWords(
    state.map((word) => BigInt(word >>> 0)),
    4,
  );
}

export function adler32(message: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of message) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}

/** Bytes in lower-case hexadecimal. */
export const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
