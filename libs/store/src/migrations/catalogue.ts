import { INITIAL_SQL } from './0001-initial.js';
import { LOCKS_SQL } from './0002-locks.js';
import { SCHEDULES_SQL } from './0003-schedules.js';
import { CONTROL_SQL } from './0004-control.js';
import { OFFLOAD_SQL } from './0006-offload.js';
import { CLUSTER_OBJECTS_SQL } from './0009-cluster-objects.js';
import { HOST_ABILITIES_SQL } from './0010-host-abilities.js';
import { LOG_SHIPMENTS_SQL } from './0011-log-shipments.js';
import { POD_SHARDS_SQL } from './0013-pod-shards.js';
import { EDITED_METADATA_SQL } from './0014-edited-metadata.js';
import { ARTIFACT_GC_SQL } from './0007-artifact-gc.js';

/** One step of the schema. Applied in the order of ids, never changed once released; a later version only adds. */
export interface Migration {
  id: number;
  name: string;
  sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  { id: 1, name: '0001-initial', sql: INITIAL_SQL },
  { id: 2, name: '0002-locks', sql: LOCKS_SQL },
  { id: 3, name: '0003-schedules', sql: SCHEDULES_SQL },
  { id: 4, name: '0004-control', sql: CONTROL_SQL },
  { id: 6, name: '0006-offload', sql: OFFLOAD_SQL },
  { id: 7, name: '0007-artifact-gc', sql: ARTIFACT_GC_SQL },
  { id: 9, name: '0009-cluster-objects', sql: CLUSTER_OBJECTS_SQL },
  { id: 10, name: '0010-host-abilities', sql: HOST_ABILITIES_SQL },
  { id: 11, name: '0011-log-shipments', sql: LOG_SHIPMENTS_SQL },
  { id: 13, name: '0013-pod-shards', sql: POD_SHARDS_SQL },
  { id: 14, name: '0014-edited-metadata', sql: EDITED_METADATA_SQL },
];
