/**
 * Order of a merged list: the members that the patch names (or `$setElementOrder` does) in the patch's order, the others in theirs,
 * woven so that a member goes before those that follow it in the original. `keyOf` tells members apart.
 */
export function orderMerged<T>(
  merged: readonly T[],
  keyOf: (item: T) => unknown,
  order: { wanted: readonly unknown[]; original: readonly unknown[] },
): T[] {
  const place = (item: T): number => order.original.indexOf(keyOf(item));
  const named = order.wanted.flatMap((key) => merged.filter((item) => keyOf(item) === key));
  const others = merged.filter((item) => !order.wanted.includes(keyOf(item))).sort((left, right) => place(left) - place(right));
  const result: T[] = [];
  for (const item of named) {
    const at = place(item);
    while (at >= 0 && others[0] !== undefined && place(others[0]) < at) result.push(...others.splice(0, 1));
    result.push(item);
  }
  return [...result, ...others];
}
