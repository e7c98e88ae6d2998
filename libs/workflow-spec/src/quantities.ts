import { InvalidArgumentError } from './errors.js';

/** How a quantity was written, which is how sums of it are written: `1k`, `1Ki` or `1e3`. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** A quantity that Kubernetes would refuse; the message is its own. */
export class QuantityError extends InvalidArgumentError {}

const DECIMAL_SUFFIXES = new Map([
  [-9, 'n'],
  [-6, 'u'],
  [-3, 'm'],
  [0, ''],
  [3, 'k'],
  [6, 'M'],
  [9, 'G'],
  [12, 'T'],
  [15, 'P'],
  [18, 'E'],
]);
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** No amount needs more; the arithmetic is exact, so its cost grows with the length. */
const LONGEST_TEXT = 256;
const TEXT = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[+-]?\d*)$/;
const SMALLEST_EXPONENT = -9;
const LARGEST_INT64 = 2n ** 63n - 1n;
/** Longest number that Kubernetes keeps in 64 bits; longer ones are arbitrary in length there and here. */
const SHORT_DIGITS = 18;

interface Suffix {
  format: QuantityFormat;
  /** Power of ten, or of two for BinarySI. */
  exponent: number;
}

const suffixOf = (text: string): Suffix => {
  const binary = BINARY_SUFFIXES.indexOf(text);
  if (binary > 0) return { format: 'BinarySI', exponent: binary * 10 };
  for (const [exponent, suffix] of DECIMAL_SUFFIXES) if (suffix === text) return { format: 'DecimalSI', exponent };
  if (/^[eE][+-]?\d{1,3}$/.test(text)) return { format: 'DecimalExponent', exponent: Number(text.slice(1)) };
  throw new QuantityError("unable to parse quantity's suffix");
};

const powerOfTen = (exponent: number): bigint => 10n ** BigInt(exponent);

/** Quotient, away from zero where there is a remainder. */
const divideUp = (value: bigint, by: bigint): bigint => {
  const quotient = value / by;
  if (value % by === 0n) return quotient;
  return value < 0n ? quotient - 1n : quotient + 1n;
};

const withoutFactors = (value: bigint, factor: bigint, most: number): { rest: bigint; count: number } => {
  let [rest, count] = [value, 0];
  while (count < most && rest !== 0n && rest % factor === 0n) [rest, count] = [rest / factor, count + 1];
  return { rest, count };
};

/** `mantissa` × 10^`exponent`; `isShort` where Kubernetes holds it in 64 bits. */
interface Amount {
  mantissa: bigint;
  exponent: number;
  isShort: boolean;
}

/**
 * An amount as Kubernetes has it (resource.Quantity): a decimal number of nano units at the finest, in the format in which it
 * was written. Immutable.
 */
export class Quantity {
  private constructor(
    readonly format: QuantityFormat,
    private readonly amount: Amount,
    private readonly written?: string,
  ) {}

  /** Reads `1500m`, `1.5Gi`, `129e6`. Throws QuantityError with Kubernetes' own words. */
  static parse(text: string): Quantity {
    const [, sign, whole = '', fraction, suffix = ''] = text === '' || text.length > LONGEST_TEXT ? [] : (TEXT.exec(text) ?? []);
    if (sign === undefined) {
      throw new QuantityError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    }
    const { format, exponent } = suffixOf(suffix);
    const significant = whole.replace(/^0+/, '');
    const digits = BigInt(`${whole}${fraction ?? ''}` || '0') * (sign === '-' ? -1n : 1n);
    const places = fraction?.length ?? 0;
    const length = significant.length + places;
    const amount: Amount =
      format === 'BinarySI'
        ? { mantissa: digits * 2n ** BigInt(exponent), exponent: -places, isShort: places === 0 && length + exponent * 0.3 < 15 }
        : { mantissa: digits, exponent: exponent - places, isShort: length <= SHORT_DIGITS };
    const parsed = Quantity.of(format, amount);
    return places === 0 ? parsed.rememberText(text, significant + suffix) : parsed;
  }

  private static of(format: QuantityFormat, { mantissa, exponent, isShort }: Amount): Quantity {
    if (exponent < SMALLEST_EXPONENT) {
      const rounded = divideUp(mantissa, powerOfTen(SMALLEST_EXPONENT - exponent));
      return Quantity.reduced(format, { mantissa: rounded, exponent: SMALLEST_EXPONENT, isShort: false });
    }
    const isTooLarge = format === 'BinarySI' && exponent === 0 && mantissa > LARGEST_INT64;
    return Quantity.reduced(format, { mantissa: isTooLarge ? LARGEST_INT64 : mantissa, exponent, isShort });
  }

  private static reduced(format: QuantityFormat, amount: Amount): Quantity {
    if (amount.exponent >= 0 || amount.isShort) return new Quantity(format, amount);
    const { rest, count } = withoutFactors(amount.mantissa, 10n, -amount.exponent);
    return new Quantity(format, { mantissa: rest, exponent: amount.exponent + count, isShort: false });
  }

  /** A text that says the same with a plus, zeros before or a bare point is kept as it was written. */
  private rememberText(text: string, plain: string): Quantity {
    const canonical = this.canonical();
    const isSame = canonical.replace('-', '') === plain;
    return isSame ? new Quantity(this.format, this.amount, text) : this;
  }

  get sign(): -1 | 0 | 1 {
    if (this.amount.mantissa === 0n) return 0;
    return this.amount.mantissa < 0n ? -1 : 1;
  }

  /** As a floating point number; small errors are those of one multiplication. */
  toNumber(): number {
    return Number(this.amount.mantissa) * Number(`1e${this.amount.exponent}`);
  }

  /** Whole units (scale 0) or thousandths (scale -3), away from zero; wraps in 64 bits as Kubernetes' does. */
  scaledValue(scale: 0 | -3): bigint {
    const shift = this.amount.exponent - scale;
    if (shift < 0) return divideUp(this.amount.mantissa, powerOfTen(-shift));
    const scaled = this.amount.mantissa * powerOfTen(shift);
    if (this.amount.isShort && BigInt.asIntN(64, scaled) !== scaled) return 0n;
    return BigInt.asIntN(64, scaled);
  }

  add(other: Quantity): Quantity {
    return this.sum(other, 1n);
  }

  subtract(other: Quantity): Quantity {
    return this.sum(other, -1n);
  }

  compare(other: Quantity): -1 | 0 | 1 {
    return this.subtract(other).sign;
  }

  private sum(other: Quantity, factor: bigint): Quantity {
    const exponent = Math.min(this.amount.exponent, other.amount.exponent);
    const mantissa =
      this.amount.mantissa * powerOfTen(this.amount.exponent - exponent) +
      factor * other.amount.mantissa * powerOfTen(other.amount.exponent - exponent);
    return new Quantity(this.sign === 0 ? other.format : this.format, { mantissa, exponent, isShort: false });
  }

  /** Kubernetes' canonical text: no fraction, the largest suffix that loses nothing. */
  toString(): string {
    return this.written ?? this.canonical();
  }

  private canonical(): string {
    if (this.amount.mantissa === 0n) return '0';
    if (this.format === 'BinarySI' && this.amount.exponent >= 0) {
      const value = this.amount.mantissa * powerOfTen(this.amount.exponent);
      const { rest, count } = withoutFactors(value, 1024n, BINARY_SUFFIXES.length - 1);
      return `${rest}${BINARY_SUFFIXES[count] ?? ''}`;
    }
    return this.decimalText();
  }

  private decimalText(): string {
    const isExponent = this.format === 'DecimalExponent';
    const { rest, count } = withoutFactors(this.amount.mantissa, 10n, Number.MAX_SAFE_INTEGER);
    const lowest = Math.floor((this.amount.exponent + count) / 3) * 3;
    const exponent = isExponent ? lowest : Math.min(lowest, 18);
    const digits = rest * powerOfTen(this.amount.exponent + count - exponent);
    if (!isExponent) return `${digits}${DECIMAL_SUFFIXES.get(exponent) ?? ''}`;
    return exponent === 0 ? String(digits) : `${digits}e${exponent}`;
  }
}

/** The number that a Kubernetes quantity stands for (`100m` → 0.1, `64Mi` → 67108864); InvalidArgumentError where it is none. */
export const parseQuantity = (text: string | number): number => {
  if (typeof text === 'number') return text;
  try {
    return Quantity.parse(text).toNumber();
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new InvalidArgumentError(`"${text.slice(0, 64)}" is not a quantity`);
  }
};
