import { itemFromValue, type IntOrString, type ItemText, type Sequence } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';

const INTEGER = /^[+-]?\d+$/;

const wholeNumber = (value: IntOrString): number => {
  const text = String(value);
  if (!INTEGER.test(text)) throw new ExecutionError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
};

const pad = (digits: string, width: number, flags: string): string => {
  if (flags.includes('-')) return digits.padEnd(width, ' ');
  if (!flags.includes('0')) return digits.padStart(width, ' ');
  const sign = /^[+-]/.exec(digits)?.[0] ?? '';
  return sign + digits.slice(sign.length).padStart(width - sign.length, '0');
};

const DIRECTIVE = /%([-+# 0]*)(\d*)(?:\.\d+)?([dxXobcvs%])/g;
const RADIX: Readonly<Record<string, number>> = { x: 16, X: 16, o: 8, b: 2 };

/** Go's Printf with one integer: `%d`, `%02d`, `%x` and the like; other text stays. */
const formatInteger = (format: string, value: number): string =>
  format.replace(DIRECTIVE, (whole, flags: string, width: string, verb: string) => {
    if (verb === '%') return '%';
    if (verb === 's') return `%!s(int=${value})`;
    if (verb === 'c') return String.fromCodePoint(value);
    const digits = value.toString(RADIX[verb] ?? 10);
    const signed = flags.includes('+') && value >= 0 ? `+${digits}` : digits;
    return whole === '' ? '' : pad(verb === 'X' ? signed.toUpperCase() : signed, Number(width || 0), flags);
  });

/** Most members that one sequence may have; Argo has no such bound and runs out of memory instead. */
const MOST_ITEMS = 1_000_000;

/** The items of `withSequence`, as strings; counts down where `end` is below `start` (Argo's expandSequence). */
export const sequenceItems = (sequence: Sequence): ItemText[] => {
  const start = sequence.start === undefined || sequence.start === '' ? 0 : wholeNumber(sequence.start);
  let end: number;
  if (sequence.end !== undefined && sequence.end !== '') {
    end = wholeNumber(sequence.end);
  } else if (sequence.count !== undefined && sequence.count !== '') {
    const count = wholeNumber(sequence.count);
    if (count === 0) return [];
    end = start + count - 1;
  } else {
    throw new ExecutionError('must have either start and end, or count');
  }
  const length = Math.abs(end - start) + 1;
  if (length > MOST_ITEMS) throw new ExecutionError(`a sequence of ${length} items is longer than ${MOST_ITEMS}`);
  const direction = start <= end ? 1 : -1;
  const format = sequence.format === undefined || sequence.format === '' ? '%d' : sequence.format;
  return Array.from({ length }, (_, index) => itemFromValue(formatInteger(format, start + direction * index)));
};
