const distance = (left: string, right: string): number => {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1;
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (previous[column - 1] ?? 0) + cost));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
};

/** The known name that a mistyped one most likely means (at most a third of its letters differ), or undefined. */
export const nearestName = (name: string, known: readonly string[]): string | undefined => {
  if (name.length > 64) return undefined;
  const lower = name.toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, apart: distance(lower, candidate.toLowerCase()) }))
    .sort((left, right) => left.apart - right.apart);
  const best = ranked[0];
  return best !== undefined && best.apart <= Math.max(1, Math.floor(name.length / 3)) ? best.candidate : undefined;
};
