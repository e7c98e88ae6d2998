import type { ShardMove, ShardRow, ShardView } from '#libs/store';

/** Whose plan it is. */
export interface ShardReader {
  holder: string;
  /** Shards that it follows already, from a whole list on. */
  followed: ReadonlySet<number>;
}

const NOBODY = '';

/** The shards that a replica has to follow: its own, and those that it is about to inherit. */
export const shardsOf = (rows: readonly ShardRow[], holder: string): number[] =>
  rows.filter((row) => row.holder === holder || row.heir === holder).map(({ shard }) => shard);

/**
 * What a replica tries to change so that in the end every shard has one holder and none has two more than another. What nobody living holds is taken at once. Of those
 * who have too much it asks to inherit: they go on until the heir follows the shard as well, and only then is it the heir's.
 *
 * Each replica plans for itself alone; of two plans for one shard the first counts. Who finds its own leases run out judges nobody by this reading: the database was
 * away then, for the others as well.
 */
export const planShards = (view: ShardView, reader: ShardReader): ShardMove[] => {
  const draft = new Draft(view);
  if (draft.isStaying(reader.holder)) {
    draft.complete(reader);
    draft.takeFree(reader.holder);
    while (draft.inheritOne(reader.holder));
  }
  return draft.moves();
};

/** The rows as they are to become. */
class Draft {
  private readonly rows: Map<number, ShardRow>;
  private readonly present: ReadonlySet<string>;
  private readonly staying: ReadonlySet<string>;
  /** What a fair share is at least, and at most. */
  private readonly least: number;
  private readonly most: number;

  constructor(private readonly view: ShardView) {
    const { nowMs, holders, shards, wasUntilMs = Infinity } = view;
    const present = holders.filter(({ untilMs }) => untilMs > nowMs || wasUntilMs <= nowMs);
    this.rows = new Map(shards.map((row) => [row.shard, row]));
    this.present = new Set(present.map(({ holder }) => holder));
    this.staying = new Set(present.filter(({ isLeaving }) => !isLeaving).map(({ holder }) => holder));
    this.least = Math.floor(shards.length / this.staying.size);
    this.most = Math.ceil(shards.length / this.staying.size);
  }

  isStaying(name: string): boolean {
    return this.staying.has(name);
  }

  /** What was inherited and is followed by now is one's own. */
  complete({ holder, followed }: ShardReader): void {
    for (const row of this.rows.values()) {
      if (row.heir !== holder) continue;
      if (followed.has(row.shard) || !this.present.has(row.holder)) this.change({ ...row, holder, heir: NOBODY });
    }
  }

  takeFree(holder: string): void {
    for (const row of this.rows.values()) {
      if (this.ownerOf(row) === NOBODY && this.countOf(holder) < this.most) this.change({ ...row, holder, heir: NOBODY });
    }
  }

  /** Asks the one who has the most above its share for a shard; false where there is nothing to ask for. */
  inheritOne(heir: string): boolean {
    const mine = this.countOf(heir);
    if (mine >= this.most) return false;
    const [from] = [...this.present]
      .filter((name) => this.excessOf(name, mine) > 0)
      .sort((a, b) => this.excessOf(b, mine) - this.excessOf(a, mine));
    const row = [...this.rows.values()].find((each) => each.holder === from && this.ownerOf(each) === from);
    if (row === undefined) return false;
    this.change({ ...row, heir });
    return true;
  }

  moves(): ShardMove[] {
    return this.view.shards.flatMap((from) => {
      const to = this.rows.get(from.shard) ?? from;
      return to === from ? [] : [{ from, to }];
    });
  }

  /** How many another one may be asked for by who has `mine`. Who leaves keeps nothing. */
  private excessOf(name: string, mine: number): number {
    const share = !this.isStaying(name) ? 0 : mine < this.least ? this.least : this.most;
    return this.countOf(name) - share;
  }

  private change(row: ShardRow): void {
    this.rows.set(row.shard, row);
  }

  private ownerOf({ holder, heir }: ShardRow): string {
    return [heir, holder].find((name) => this.present.has(name)) ?? NOBODY;
  }

  private countOf(name: string): number {
    return [...this.rows.values()].filter((row) => this.ownerOf(row) === name).length;
  }
}
