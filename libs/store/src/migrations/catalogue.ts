import { INITIAL_SQL } from './0001-initial.js';
import { SCHEDULES_SQL } from './0003-schedules.js';

/** One step of the schema. Applied in the order of ids, never changed once released; a later version only adds. */
export interface Migration {
  id: number;
  name: string;
  sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  { id: 1, name: '0001-initial', sql: INITIAL_SQL },
  { id: 3, name: '0003-schedules', sql: SCHEDULES_SQL },
];
