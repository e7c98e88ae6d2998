import { type z } from 'zod';

import { type Field, fieldFacts } from './fields.js';
import { type ConfigShape, variableOf } from './load-config.js';

/** One variable of a program, for a generated table. */
export interface ConfigRow {
  readonly variable: string;
  readonly kind: string;
  /** The default as written; empty where there is none. */
  readonly byDefault: string;
  readonly required: boolean;
  readonly secret: boolean;
  readonly about: string;
}

/** The variables of a schema, in its order. Throws TypeError for a field that was not made by this library's functions. */
export function describeConfig<Shape extends ConfigShape>(schema: z.ZodObject<Shape>): ConfigRow[] {
  return Object.entries<Field<unknown>>(schema.shape).map(([key, field]) => {
    const facts = fieldFacts(field);
    if (facts === undefined) throw new TypeError(`configuration key ${key} has no description`);
    const { kind, about, required, secret, defaultText = '' } = facts;
    return { variable: variableOf(key), kind, byDefault: defaultText, required, secret, about };
  });
}
