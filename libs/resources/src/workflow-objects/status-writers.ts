import { type ApiObject, FIELD_MANAGER } from '#libs/kubernetes';
import type { JsonValue } from '#libs/workflow-spec';

/** Who has written which fields of an object, and when for the last time: to the second. */
interface ManagedFields {
  manager?: string;
  time?: string;
  fieldsV1?: { [field: string]: JsonValue };
}

const newest = (entries: readonly ManagedFields[]): string =>
  entries.reduce((latest, { time = '' }) => (time > latest ? time : latest), '');

/**
 * Whether somebody else has written to the status after us, or in the same second: the API server notes who wrote a field. What others wrote
 * before our last write is overwritten.
 */
export const isWrittenByOthers = ({ metadata }: ApiObject): boolean => {
  const entries = (metadata['managedFields'] ?? []) as ManagedFields[];
  const ofStatus = entries.filter(({ fieldsV1 }) => fieldsV1?.['f:status'] !== undefined);
  const others = ofStatus.filter(({ manager }) => manager !== FIELD_MANAGER);
  return others.length > 0 && newest(others) >= newest(ofStatus.filter(({ manager }) => manager === FIELD_MANAGER));
};
