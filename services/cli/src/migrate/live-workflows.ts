import type { StoredObject } from './migration-source.js';

/** Nodes that an object names and does not hold: a row of Argo's table. */
interface OffloadedNodes {
  uid: string;
  version: string;
}

/** What is known of the workflows that are objects. */
export interface LiveWorkflows {
  /** By phase; '' has not begun. */
  phases: Record<string, number>;
  /** By the label of the instance ID; '' has none. */
  instances: Record<string, number>;
  offloaded: {
    unfinished: number;
    ended: number;
    /** Of the unfinished, at most a thousand. */
    needed: OffloadedNodes[];
  };
}

const ENDED = new Set(['Succeeded', 'Failed', 'Error']);
const INSTANCE_LABEL = 'workflows.argoproj.io/controller-instanceid';
/** So many distinct values are kept of what people write; the others count under one name. */
const DISTINCT = 50;
const OTHERS = '(others)';
const NEEDED = 1000;

export const hasEnded = (object: StoredObject): boolean => ENDED.has(phaseOf(object));
const phaseOf = ({ status }: StoredObject): string => status?.phase ?? '';

/** Counts workflows as they come; keeps no object. */
export class WorkflowCensus {
  private readonly live: LiveWorkflows = {
    phases: {},
    instances: {},
    offloaded: { unfinished: 0, ended: 0, needed: [] },
  };

  take(object: StoredObject): void {
    const { phases, instances, offloaded } = this.live;
    increase(phases, phaseOf(object));
    increase(instances, object.metadata.labels?.[INSTANCE_LABEL] ?? '');
    const { uid = '' } = object.metadata;
    const version = object.status?.offloadNodeStatusVersion ?? '';
    if (version === '') return;
    if (hasEnded(object)) offloaded.ended += 1;
    else {
      offloaded.unfinished += 1;
      if (offloaded.needed.length < NEEDED) offloaded.needed.push({ uid, version });
    }
  }

  report(): LiveWorkflows {
    return this.live;
  }
}

const increase = (counts: Record<string, number>, value: string): void => {
  const key = Object.hasOwn(counts, value) || Object.keys(counts).length < DISTINCT ? value : OTHERS;
  counts[key] = (counts[key] ?? 0) + 1;
};

/** Workflows that have begun and not ended, or not begun. */
export const unfinishedCountOf = (phases: Record<string, number>): number =>
  Object.entries(phases).reduce((sum, [phase, objects]) => sum + (ENDED.has(phase) ? 0 : objects), 0);
