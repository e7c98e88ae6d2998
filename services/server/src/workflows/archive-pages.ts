import { Inject, Injectable } from '@nestjs/common';
import { type ArchiveCursor, Store } from '#libs/store';
import type { Workflow } from '#libs/workflow-spec';
import type { WorkflowSelection } from '../selection/list-options.js';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';

/** Rows per query; a page of any size is read in such pieces. */
const PIECE_ROWS = 500;
/** Ends of pages that are remembered, the latest; a client asks for the next page soon or never. */
const MOST_CURSORS = 1_000;
const CURSOR_AGE_MS = 600_000;

/** Which archived workflows. `list` tells lists apart that count their offsets in another way. */
export interface ArchivePlace {
  list: 'archived' | 'merged';
  selection: WorkflowSelection & { notLive?: boolean };
  /** As the client counts: the token that Argo calls `continue`. */
  token: number;
}

export interface PageRequest {
  /** Rows of the archive before the page; counts where the place is not known. */
  offset: number;
  /** May be infinite. */
  limit: number;
  /** Items that stand on the client's page before these. */
  itemsBefore?: number;
}

export interface ArchivedPage {
  workflows: Workflow[];
  hasMore: boolean;
}

interface Remembered {
  cursor: ArchiveCursor;
  atMs: number;
}

const keyOf = ({ list, selection, token }: ArchivePlace): string => JSON.stringify([list, token, selection]);

/**
 * Pages of the archive under Argo's contract, whose `continue` is an offset: the end of each page that was given is remembered, so that
 * the next one begins there at no cost, and what is archived meanwhile neither repeats nor hides rows. A token that is not known (another
 * replica gave it, or nobody) is the offset that it says.
 */
@Injectable()
export class ArchivePages {
  private readonly ends = new Map<string, Remembered>();

  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
  ) {}

  /** Whether a page at this place can begin where the one before ended. */
  knows(place: ArchivePlace): boolean {
    return this.cursorOf(place) !== undefined;
  }

  async page(place: ArchivePlace, { offset, limit, itemsBefore = 0 }: PageRequest): Promise<ArchivedPage> {
    const workflows: Workflow[] = [];
    const cursors: ArchiveCursor[] = [];
    let after = this.cursorOf(place);
    // One more than asked for says whether there is a next page.
    while (workflows.length <= limit) {
      const piece = Math.min(PIECE_ROWS, limit + 1 - workflows.length);
      const from = after === undefined ? { offset } : { after };
      const page = await this.store.archive.list({ ...place.selection, ...from, limit: piece });
      workflows.push(...page.workflows);
      cursors.push(...page.cursors);
      after = page.next;
      if (after === undefined) break;
    }
    const hasMore = workflows.length > limit;
    const end = cursors[limit - 1];
    if (!hasMore) return { workflows, hasMore };
    if (end !== undefined) this.remember({ ...place, token: place.token + itemsBefore + limit }, end);
    return { workflows: workflows.slice(0, limit), hasMore };
  }

  private remember(place: ArchivePlace, cursor: ArchiveCursor): void {
    this.ends.set(keyOf(place), { cursor, atMs: this.context.clock.nowMs() });
    if (this.ends.size <= MOST_CURSORS) return;
    const [oldest] = this.ends.keys();
    if (oldest !== undefined) this.ends.delete(oldest);
  }

  private cursorOf(place: ArchivePlace): ArchiveCursor | undefined {
    const found = this.ends.get(keyOf(place));
    if (found === undefined || this.context.clock.nowMs() - found.atMs > CURSOR_AGE_MS) return undefined;
    return found.cursor;
  }
}
