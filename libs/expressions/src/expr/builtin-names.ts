/** How a predicate builtin is called: `e` an expression, `p` a predicate, in upper case when it may be left out. */
export const PREDICATE_BUILTINS: ReadonlyMap<string, string> = new Map([
  ['all', 'ep'],
  ['none', 'ep'],
  ['any', 'ep'],
  ['one', 'ep'],
  ['filter', 'ep'],
  ['map', 'ep'],
  ['count', 'eP'],
  ['sum', 'eP'],
  ['find', 'ep'],
  ['findIndex', 'ep'],
  ['findLast', 'ep'],
  ['findLastIndex', 'ep'],
  ['groupBy', 'ep'],
  ['sortBy', 'epE'],
  ['reduce', 'epE'],
]);

/** The other functions that expr-lang brings. */
export const BUILTINS: ReadonlySet<string> = new Set(
  (
    'len type abs ceil floor round int float string trim trimPrefix trimSuffix upper lower split splitAfter replace ' +
    'repeat join indexOf lastIndexOf hasPrefix hasSuffix max min mean median toJSON fromJSON toBase64 fromBase64 now ' +
    'duration date timezone first last get take keys values toPairs fromPairs reverse uniq concat flatten sort ' +
    'bitand bitor bitxor bitnand bitshl bitshr bitushr bitnot'
  ).split(' '),
);
