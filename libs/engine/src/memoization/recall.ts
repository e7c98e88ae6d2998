import {
  formatTime,
  NodePhase,
  NodeType,
  parseGoDuration,
  templateTypeOf,
  UserError,
  type NodeStatus,
  type Template,
  type TemplateType,
} from '#libs/workflow-spec';
import { factId } from '../contract.js';
import { ExecutionError } from '../errors.js';
import type { Pass } from '../pass.js';
import { completeProgress, hasOwnProgress } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';
import { MissingFact } from '../templates/inputs.js';
import { memoId, type MemoCache, type MemoEntry, type MemoKey } from './memo-contract.js';

/** What Argo lets be a key of a cache. */
const ALLOWED_KEY = /^[a-zA-Z0-9][-a-zA-Z0-9]*$/;

type Memoize = NonNullable<Template['memoize']>;

/** The cache that a template names. Throws ExecutionError where it names none. */
export const cacheOf = ({ cache }: Memoize): MemoCache => {
  const configMap = cache?.configMap?.name ?? '';
  const database = cache?.database?.name ?? '';
  if (configMap !== '') return { configMap };
  if (database !== '') return { database };
  throw new ExecutionError('cache could not be found or created');
};

const placeOf = (pass: Pass, memoize: Memoize): MemoKey => {
  const key = memoize.key ?? '';
  if (!ALLOWED_KEY.test(key)) throw new ExecutionError(`invalid cache key: ${key}`);
  return { namespace: pass.state.namespace, cache: cacheOf(memoize), key };
};

const nameOf = ({ cache }: MemoKey): string => ('configMap' in cache ? cache.configMap : cache.database);

const maxAgeMs = ({ maxAge }: Memoize): number => {
  if (maxAge === undefined || maxAge === '') return Infinity;
  try {
    return parseGoDuration(maxAge);
  } catch (error) {
    if (error instanceof UserError) throw new ExecutionError(`invalid maxAge: ${error.message}`, { cause: error });
    throw error;
  }
};

/** What is remembered of a node that has succeeded. */
export const entryOf = (node: TreeNode, nowMs: number): MemoEntry => ({
  nodeID: node.id,
  ...(node.status.outputs === undefined ? {} : { outputs: node.status.outputs }),
  creationTimestamp: formatTime(nowMs),
  lastHitTimestamp: formatTime(nowMs),
});

/** What this very decision will save: later steps of it find it already. */
const justSaved = (pass: Pass, place: MemoKey): MemoEntry | undefined => {
  for (const id of pass.state.pending.nodes) {
    const node = pass.state.find(id);
    const known = node?.status.memoizationStatus;
    if (node === undefined || known?.key !== place.key || known.cacheName !== nameOf(place)) continue;
    if (node.status.phase === NodePhase.Succeeded && !known.hit) return entryOf(node, pass.nowMs);
  }
  return undefined;
};

const storedEntry = (pass: Pass, place: MemoKey): MemoEntry | undefined => {
  const key = { kind: 'memo', ...place } as const;
  const fact = pass.input.facts.get(factId(key));
  if (fact === undefined) {
    pass.missing.set(factId(key), key);
    throw new MissingFact();
  }
  if (fact?.kind !== 'memo') return undefined;
  if ('problem' in fact) throw new ExecutionError(fact.problem);
  return fact.entry;
};

/** Written by people too: an entry whose time cannot be read is too old for any limit. */
const ageMs = ({ creationTimestamp }: MemoEntry, nowMs: number): number => {
  const createdAtMs = Date.parse(creationTimestamp);
  return Number.isNaN(createdAtMs) ? Infinity : nowMs - createdAtMs;
};

/** What the cache says of a node that is to be made; `entry` where it knows its outputs. */
export interface Recollection {
  place: MemoKey;
  entry?: MemoEntry;
}

export type Hit = Recollection & { entry: MemoEntry };

/** Whether the outputs are known. */
export const isHit = (known: Recollection | undefined): known is Hit => known?.entry !== undefined;

/**
 * Looks a memoized template up in its cache; undefined for a template without `memoize`. Entries older than `maxAge` count as unknown.
 * Throws ExecutionError for a key or a cache that cannot be used, MissingFact where the entry has to be loaded first.
 */
export const recall = (pass: Pass, template: Template): Recollection | undefined => {
  const { memoize } = template;
  if (memoize === undefined) return undefined;
  const place = placeOf(pass, memoize);
  const ageLimitMs = maxAgeMs(memoize);
  const entry = justSaved(pass, place) ?? storedEntry(pass, place);
  return entry !== undefined && ageMs(entry, pass.nowMs) <= ageLimitMs ? { place, entry } : { place };
};

/** What a node shows of the cache that was asked for it. */
export const memoizationStatus = ({ place, entry }: Recollection): Pick<NodeStatus, 'memoizationStatus'> => ({
  memoizationStatus: { hit: entry !== undefined, key: place.key, cacheName: nameOf(place) },
});

const HIT_TYPES: Readonly<Partial<Record<TemplateType, NodeType>>> = {
  steps: NodeType.Steps,
  dag: NodeType.DAG,
  suspend: NodeType.Suspend,
  http: NodeType.HTTP,
  plugin: NodeType.Plugin,
};
const typeOfHit = (template: Template): NodeType => HIT_TYPES[templateTypeOf(template) ?? 'container'] ?? NodeType.Pod;

/** The node of a template whose outputs are known: it has succeeded without any work. */
export const hitDraft = (
  template: Template,
  recollection: Hit,
): { type: NodeType; phase: NodePhase; more: Partial<NodeStatus> } => {
  const type = typeOfHit(template);
  const { outputs } = recollection.entry;
  return {
    type,
    phase: NodePhase.Succeeded,
    more: {
      ...memoizationStatus(recollection),
      ...(outputs === undefined ? {} : { outputs }),
      ...(hasOwnProgress(type) ? { progress: completeProgress(undefined) } : {}),
    },
  };
};

/** Orders that an entry is kept; one command for each place, the last word counts. */
export const remember = (pass: Pass, at: MemoKey, entry: MemoEntry): void => {
  const { commands } = pass.state.pending;
  const known = commands.findIndex((command) => command.type === 'saveMemo' && memoId(command.at) === memoId(at));
  if (known >= 0) commands.splice(known, 1);
  commands.push({ type: 'saveMemo', at, entry });
};

/** Notes that an entry was used, for whoever clears out what nobody asks for. */
export const noteHit = (pass: Pass, { place, entry }: Hit): void =>
  remember(pass, place, { ...entry, lastHitTimestamp: formatTime(pass.nowMs) });
