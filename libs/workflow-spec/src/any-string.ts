/** A number as Go prints a float64 with 'f', -1: no exponent, shortest digits that read back the same (`1e6` → `1000000`). */
export const formatFloat = (value: number): string => {
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = '', first = '', rest = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  const digits = first + rest;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, '0');
};

/** What Argo's AnyString keeps of a JSON value: strings as they are, numbers and booleans as text, everything else empty. */
export const anyString = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatFloat(value);
  return typeof value === 'boolean' ? String(value) : '';
};
