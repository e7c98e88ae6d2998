import { ExpressionError } from '../errors.js';
import { base32Decode, base32Encode } from '../golang/base32.js';
import { base64Decode, base64Encode } from '../golang/base64.js';
import { adler32, hexOf, sha1, sha256, sha512 } from '../golang/digests.js';
import { goJson } from '../golang/json.js';
import { parseGoJson } from '../golang/json-parse.js';
import { utf8Decode, utf8Encode } from '../golang/utf8.js';
import { sprigFunction, textAt, type SprigCall } from './arguments.js';

/** A function that gives `fallback` where its `must` twin throws. */
const forgiving =
  (call: SprigCall, fallback: unknown): SprigCall =>
  (args, clock) => {
    try {
      return call(args, clock);
    } catch (error) {
      if (error instanceof ExpressionError) return fallback;
      throw error;
    }
  };

const fromJson: SprigCall = (args) => parseGoJson(textAt(args, 0));
const toJson: SprigCall = ([value]) => goJson(value);
const toPrettyJson: SprigCall = ([value]) => goJson(value, '  ');
const toRawJson: SprigCall = ([value]) => goJson(value, '', false);

function decoded(bytes: Uint8Array | { readonly badAt: number }, encoding: string): string {
  return bytes instanceof Uint8Array ? utf8Decode(bytes) : `illegal ${encoding} data at input byte ${bytes.badAt}`;
}

const ENCODINGS: Readonly<Record<string, readonly [parameters: string, call: SprigCall]>> = {
  fromJson: ['s', forgiving(fromJson, null)],
  mustFromJson: ['s', fromJson],
  toJson: ['a', forgiving(toJson, '')],
  mustToJson: ['a', toJson],
  toPrettyJson: ['a', forgiving(toPrettyJson, '')],
  mustToPrettyJson: ['a', toPrettyJson],
  toRawJson: ['a', toRawJson],
  mustToRawJson: ['a', toRawJson],
  b64enc: ['s', (args) => base64Encode(utf8Encode(textAt(args, 0)))],
  b64dec: ['s', (args) => decoded(base64Decode(textAt(args, 0)), 'base64')],
  b32enc: ['s', (args) => base32Encode(utf8Encode(textAt(args, 0)))],
  b32dec: ['s', (args) => decoded(base32Decode(textAt(args, 0)), 'base32')],
  sha1sum: ['s', (args) => hexOf(sha1(utf8Encode(textAt(args, 0))))],
  sha256sum: ['s', (args) => hexOf(sha256(utf8Encode(textAt(args, 0))))],
  sha512sum: ['s', (args) => hexOf(sha512(utf8Encode(textAt(args, 0))))],
  adler32sum: ['s', (args) => String(adler32(utf8Encode(textAt(args, 0))))],
};

export const ENCODING_FUNCTIONS = Object.entries(ENCODINGS).map(([name, [parameters, call]]) =>
  sprigFunction(name, parameters, call),
);
