import { ExpressionError } from '../errors.js';
import { type Budget } from './budget.js';
import { COLLECTION_BUILTINS } from './builtins-collections.js';
import { NUMBER_BUILTINS } from './builtins-numbers.js';
import { TEXT_BUILTINS } from './builtins-text.js';
import { TIME_BUILTINS } from './builtins-time.js';

/** Functions by name; each gets its arguments and the budget of the run. */
export type Builtins = Readonly<Record<string, (args: readonly unknown[], budget: Budget) => unknown>>;

const TABLES: readonly Builtins[] = [TEXT_BUILTINS, COLLECTION_BUILTINS, NUMBER_BUILTINS, TIME_BUILTINS];

/** Calls a builtin without predicate; argument counts were checked. */
export function callBuiltin(name: string, args: readonly unknown[], budget: Budget): unknown {
  for (const table of TABLES) {
    if (Object.hasOwn(table, name)) return table[name]?.(args, budget) ?? null;
  }
  throw new ExpressionError(`unknown builtin ${name}`, 'compile');
}
