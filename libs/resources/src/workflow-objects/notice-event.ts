import { createHash, randomBytes } from 'node:crypto';
import { API_VERSION, formatTime } from '#libs/workflow-spec';
import type { WorkflowNotice } from './contract.js';

/** An event's message may not be longer. */
const MOST_MESSAGE_CHARACTERS = 1_024;
/** Of 253 characters the dot and the part that tells events of one object apart are not the object's. */
const MOST_NAME_CHARACTERS = 236;
const TELLING_BYTES = 8;

/** Like the events of Kubernetes: the object's name and sixteen hexadecimal digits. */
const nameOf = (name: string, { key, occasion }: WorkflowNotice): string => {
  const telling =
    occasion === undefined ? randomBytes(TELLING_BYTES) : createHash('sha256').update(`${key.uid}/${occasion}`).digest();
  const shortened = name.slice(0, MOST_NAME_CHARACTERS).replace(/[^a-z0-9]+$/, '');
  return `${shortened}.${telling.subarray(0, TELLING_BYTES).toString('hex')}`;
};

/** The Event object of a notice: whoever tells the same occasion gives it the same name. */
export const eventOf = (notice: WorkflowNotice, { component, atMs }: { component: string; atMs: number }): object => {
  const { key, about, type, reason, message, annotations } = notice;
  const { namespace, name, uid } = key;
  const time = formatTime(atMs);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: nameOf(about?.name ?? name, notice), namespace, ...(annotations ? { annotations } : {}) },
    involvedObject: about ? { ...about, namespace } : { apiVersion: API_VERSION, kind: 'Workflow', namespace, name, uid },
    type,
    reason,
    message: message.slice(0, MOST_MESSAGE_CHARACTERS),
    source: { component },
    reportingComponent: component,
    reportingInstance: '',
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
};
