import type { Command, FactKey, FactValue, MemoEntry, MemoKey } from '#libs/engine';
import type { Logger } from '#libs/observability';
import type { MemoRepository, MemoSave } from '#libs/store';
import { parseTime } from '#libs/workflow-spec';
import type { ConfigMapMemos } from './config-map-memos.js';

type MemoFact = Extract<FactKey, { kind: 'memo' }>;
interface Saved {
  at: MemoKey;
  entry: MemoEntry;
}

const savedBy = (commands: readonly Command[]): Saved[] =>
  commands.flatMap((command) => (command.type === 'saveMemo' ? [{ at: command.at, entry: command.entry }] : []));

/** Entries of our own tables, for the commit itself: they are remembered exactly with the decision that they come from. */
export const memoRowsOf = (commands: readonly Command[]): MemoSave[] =>
  savedBy(commands).flatMap(({ at: { namespace, cache, key }, entry }) =>
    'database' in cache ? [{ namespace, cache: cache.database, key, entry, lastHitAtMs: parseTime(entry.lastHitTimestamp) }] : [],
  );

/** Remembered outputs, wherever they lie. */
export class MemoKeeper {
  constructor(
    private readonly tables: Pick<MemoRepository, 'get'>,
    private readonly configMaps: Pick<ConfigMapMemos, 'load' | 'save'>,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** `null`: nothing is remembered. Throws TransientError where it cannot be read now. */
  async load({ namespace, cache, key }: MemoFact): Promise<FactValue> {
    if ('database' in cache) {
      const entry = await this.tables.get({ namespace, cache: cache.database, key });
      return entry === undefined ? null : { kind: 'memo', entry };
    }
    const reading = await this.configMaps.load(namespace, cache.configMap, key);
    return reading === undefined ? null : { kind: 'memo', ...reading };
  }

  /**
   * Writes what belongs into ConfigMaps, before the commit as in Argo: who sees that a workflow has ended finds what it remembers. Where the
   * commit fails, the decision is made again from the same outputs. A failure costs a hit later on and nothing else, so it holds nobody up.
   */
  async remember(commands: readonly Command[]): Promise<void> {
    const byConfigMap = new Map<string, { namespace: string; name: string; entries: { key: string; entry: MemoEntry }[] }>();
    for (const { at, entry } of savedBy(commands)) {
      if (!('configMap' in at.cache)) continue;
      const name = at.cache.configMap;
      const group = byConfigMap.get(`${at.namespace}/${name}`) ?? { namespace: at.namespace, name, entries: [] };
      group.entries.push({ key: at.key, entry });
      byConfigMap.set(`${at.namespace}/${name}`, group);
    }
    for (const { namespace, name, entries } of byConfigMap.values()) {
      await this.configMaps.save(namespace, name, entries).catch((error: unknown) => {
        this.logger.warn('outputs could not be remembered', { namespace, configMap: name, error: String(error) });
      });
    }
  }
}
