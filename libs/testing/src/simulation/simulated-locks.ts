import { grantClaims, type Command, type InboxEntry, type LockSign, type WantedLock } from '#libs/engine';

type Want = Extract<Command, { type: 'wantLocks' }>;
type NewEntry = InboxEntry extends infer Entry ? (Entry extends { id: string } ? Omit<Entry, 'id'> : never) : never;

interface Waiting {
  id: string;
  priority: number;
  createdAtMs: number;
  serial: number;
  locks: string[];
  want: Want;
}

/** Locks in memory, as one workflow meets them: its own nodes compete, and strangers who hold some until a given time. */
export class SimulatedLocks {
  private readonly known = new Map<string, WantedLock>();
  private readonly held = new Map<string, WantedLock[]>();
  private readonly strangers: Map<string, number>;
  private waiting: Waiting[] = [];
  private serial = 0;

  /** How many of each lock strangers hold in the beginning. */
  constructor(strangers: Readonly<Record<string, number>> = {}) {
    this.strangers = new Map(Object.entries(strangers));
  }

  /** Names of what is held now, by holder. */
  holders(): Map<string, string[]> {
    return new Map([...this.held].map(([holder, locks]) => [holder, locks.map(({ name }) => name)]));
  }

  /** Takes a command; what is to be told follows by `answers`. */
  obey(command: Command): void {
    if (command.type === 'releaseLocks') this.release(command);
    if (command.type === 'wantLocks') this.ask(command);
  }

  /** Everything that the workflow held or waited for is lost. */
  forget(): void {
    this.held.clear();
    this.waiting = [];
  }

  /** Strangers let go of one of theirs. */
  freeStranger(name: string): void {
    this.strangers.set(name, Math.max(0, (this.strangers.get(name) ?? 0) - 1));
  }

  /** Grants what can be granted and gives what is to be told: permits, and to those that have just asked in vain that they wait. */
  answers(justAsked: readonly Want[] = []): NewEntry[] {
    const granted = grantClaims(
      [...this.known.values()].map(({ name, limit }) => ({ name, free: limit - this.taken(name) })),
      this.waiting.map((claim) => ({ ...claim, isHolder: this.held.size > 0 })),
    );
    for (const { want } of granted) this.held.set(want.holder, want.locks);
    this.waiting = this.waiting.filter(({ id }) => !granted.some((claim) => claim.id === id));
    const permits = granted.map(({ want }): NewEntry => {
      const { holder, attempt } = want;
      return { kind: 'lock', answer: { holder, attempt, outcome: 'granted', locks: want.locks.map(signOf) } };
    });
    const waits = this.waiting.filter(({ want }) => justAsked.includes(want)).map(({ want }) => this.waitOf(want));
    return [...permits, ...waits];
  }

  private waitOf({ holder, attempt, locks }: Want): NewEntry {
    const lock = locks.find(({ name, limit }) => this.taken(name) >= limit) ?? locks[0];
    if (lock === undefined) throw new Error('a claim without locks');
    const free = lock.limit - this.taken(lock.name);
    return {
      kind: 'lock',
      answer: {
        holder,
        attempt,
        outcome: 'waiting',
        lock: { ...signOf(lock), name: lock.name },
        free,
        limit: lock.limit,
        holders: [],
      },
    };
  }

  private taken(name: string): number {
    const own = [...this.held.values()].filter((locks) => locks.some((lock) => lock.name === name)).length;
    return own + (this.strangers.get(name) ?? 0);
  }

  private ask(want: Want): void {
    for (const lock of want.locks) this.known.set(lock.name, lock);
    if (want.isHeld === true) return void this.held.set(want.holder, want.locks);
    this.serial += 1;
    const { priority, locks } = want;
    const claim = { id: want.holder, priority, createdAtMs: 0, serial: this.serial, locks: locks.map(({ name }) => name), want };
    this.waiting = [...this.waiting.filter(({ id }) => id !== want.holder), claim];
  }

  private release({ holder, all }: Extract<Command, { type: 'releaseLocks' }>): void {
    if (all === true) {
      this.held.clear();
      this.waiting = [];
      return;
    }
    this.held.delete(holder);
    this.waiting = this.waiting.filter(({ id }) => id !== holder);
  }
}

const signOf = ({ shown, kind }: WantedLock): LockSign => ({ shown, kind });
