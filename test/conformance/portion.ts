/** A part of the recordings that takes bearable time: the `part`-th of `of`. */
export interface Portion {
  part: number;
  of: number;
}

/** `2/5` is the second of five portions; undefined for `1` and `all`, which mean all. Throws for anything else. */
export const portionOf = (text: string): Portion | undefined => {
  if (text === '1' || text === 'all') return undefined;
  const [, part = '', of = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (Number(part) < 1 || Number(part) > Number(of) || of === '')
    throw new Error(`ARGOSY_CLUSTER_RECORDINGS: must be 1 for all recordings, or PART/PARTS such as 2/5, not ${text}`);
  return { part: Number(part), of: Number(of) };
};

/** Every recording is in exactly one of the portions; neighbours, which are alike, are in different ones. */
export const inPortion = <Value>(all: readonly Value[], portion: Portion | undefined): Value[] =>
  all.filter((_, index) => portion === undefined || index % portion.of === portion.part - 1);
