/** Something said of many objects: how many, and one of them. */
export interface CountedNote {
  note: string;
  objects: number;
  example: string;
}

/** So many different ones are kept; people's own words are in them. */
const DISTINCT = 200;

/** Notes with their counts, in the order in which they first came. */
export class CountedNotes {
  private readonly notes = new Map<string, CountedNote>();
  private others: CountedNote | undefined;

  /** Each note counts once for an object. */
  add(notes: readonly string[], example: string): void {
    for (const note of new Set(notes)) this.count(note, example);
  }

  list(): CountedNote[] {
    return [...this.notes.values(), ...(this.others === undefined ? [] : [this.others])];
  }

  private count(note: string, example: string): void {
    const known = this.notes.get(note);
    if (known !== undefined) known.objects += 1;
    else if (this.notes.size < DISTINCT) this.notes.set(note, { note, objects: 1, example });
    else if (this.others === undefined) this.others = { note: 'others of this sort', objects: 1, example };
    else this.others.objects += 1;
  }
}
