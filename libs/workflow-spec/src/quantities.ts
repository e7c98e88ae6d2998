import { InvalidArgumentError } from './errors.js';

const SUFFIX: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/;

/** The number that a Kubernetes quantity stands for (`100m` → 0.1, `64Mi` → 67108864); InvalidArgumentError where it is none. */
export const parseQuantity = (text: string | number): number => {
  if (typeof text === 'number') return text;
  const match = QUANTITY.exec(text);
  if (match === null) throw new InvalidArgumentError(`"${text.slice(0, 64)}" is not a quantity`);
  if (match[2] !== undefined) return Number(`${match[1]}${match[2]}`);
  return Number(match[1]) * (SUFFIX[match[3] ?? ''] ?? 1);
};
