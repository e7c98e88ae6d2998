/** How tightly an operator binds; the higher the tighter. */
export interface Binding {
  readonly strength: number;
  /** `2 ** 3 ** 2` is `2 ** (3 ** 2)`. */
  readonly toTheRight: boolean;
}

/** Lines of the operator table of expr-lang's documentation, weakest first. */
const LEVELS: readonly (readonly [strength: number, operators: string])[] = [
  [0, '|'],
  [10, 'or ||'],
  [15, 'and &&'],
  [20, '== != < > >= <= in matches contains startsWith endsWith'],
  [25, '..'],
  [30, '+ -'],
  [60, '* / %'],
  [100, '** ^'],
  [500, '??'],
];

export const INFIX: ReadonlyMap<string, Binding> = new Map(
  LEVELS.flatMap(([strength, operators]) =>
    operators.split(' ').map((operator) => [operator, { strength, toTheRight: operator === '**' || operator === '^' }] as const),
  ),
);

/** Prefix operators and how tightly they bind. */
export const PREFIX: ReadonlyMap<string, number> = new Map([
  ['not', 50],
  ['!', 50],
  ['-', 90],
  ['+', 90],
]);

/** Operators that `not` may stand before. */
export const NEGATABLE: ReadonlySet<string> = new Set(['contains', 'matches', 'startsWith', 'endsWith', 'in']);

/** Operators that may be chained: `1 < a < 3`. */
export const ORDERING: ReadonlySet<string> = new Set(['<', '>', '>=', '<=']);
