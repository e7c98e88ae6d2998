import { z } from 'zod';

const NAME = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const KEY = new RegExp(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${NAME}$`);
const VALUE = new RegExp(`^(${NAME})?$`);
const key = z.string().regex(KEY, 'must be the key of a label');
const value = z.string().regex(VALUE, 'must be the value of a label: at most 63 letters, digits and -_. within them');

const expression = z
  .strictObject({ key, operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']), values: z.array(value).optional() })
  .refine(({ operator, values = [] }) => operator === 'Exists' || operator === 'DoesNotExist' || values.length > 0, {
    error: 'In and NotIn need values',
  })
  .refine(({ operator, values = [] }) => operator === 'In' || operator === 'NotIn' || values.length === 0, {
    error: 'Exists and DoesNotExist take no values',
  });

/** Kubernetes' LabelSelector: what could not be selected by is refused when the ConfigMap is read. */
export const labelSelectorSchema = z.strictObject({
  matchLabels: z.record(key, value).optional(),
  matchExpressions: z.array(expression).optional(),
});
