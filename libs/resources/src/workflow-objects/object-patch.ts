import type { ApiObject } from '#libs/kubernetes';
import { ArchivingStatus, isLabelledBegun, isStateAnnotation, isStateLabel, LabelName, type Workflow } from '#libs/workflow-spec';
import type { WorkflowControls, WorkflowProjection } from './contract.js';
import { controlsFromText, controlsOf, controlsText, ObjectMark, showsState } from './object-marks.js';

/** What a patch is made against: an object without what is large. */
export interface ObjectHead {
  uid: string;
  resourceVersion: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  controls: WorkflowControls;
  /** It has a status; the annotations of one without may be those of an object that it is a copy of. */
  hasStatus: boolean;
}

/** One operation of RFC 6902. */
export type PatchOperation = { op: 'add' | 'replace'; path: string; value: unknown } | { op: 'remove'; path: string };

/** The head of an object. */
export const headOf = ({ metadata, ...object }: ApiObject): ObjectHead => ({
  uid: metadata.uid ?? '',
  resourceVersion: metadata.resourceVersion ?? '',
  labels: { ...metadata.labels },
  annotations: { ...metadata.annotations },
  controls: controlsOf(object['spec'] as { suspend?: unknown; shutdown?: unknown }),
  hasStatus: showsState(object['status'] as Workflow['status']),
});

/** The version that an object shows; -1 where it shows none of ours. */
export const shownVersion = ({ annotations, hasStatus }: ObjectHead): number =>
  hasStatus ? Number(annotations[ObjectMark.record] ?? -1) : -1;

const sameControls = (left: WorkflowControls, right: WorkflowControls): boolean => controlsText(left) === controlsText(right);

/**
 * Whether the object's spec says what our rows know, so that it may be brought in line with them. Otherwise a person has changed it and
 * the rows do not know yet: it is left alone.
 */
const isInStep = (head: ObjectHead, { controls: wanted, submittedControls }: WorkflowProjection): boolean => {
  const text = head.annotations[ObjectMark.controls];
  const known = text === undefined ? submittedControls : controlsFromText(text);
  return sameControls(head.controls, wanted) || sameControls(head.controls, known);
};

const controlOperations = ({ controls }: ObjectHead, wanted: WorkflowControls): PatchOperation[] => [
  ...(controls.suspend === wanted.suspend ? [] : [{ op: 'add' as const, path: '/spec/suspend', value: wanted.suspend }]),
  ...shutdownOperations(controls.shutdown, wanted.shutdown),
];

const shutdownOperations = (now: string, wanted: string): PatchOperation[] => {
  if (now === wanted) return [];
  return wanted === '' ? [{ op: 'remove', path: '/spec/shutdown' }] : [{ op: 'add', path: '/spec/shutdown', value: wanted }];
};

/** A state that was read before the archive had the workflow does not take back that it has it. */
const archivedLabel = ({ labels: now }: ObjectHead, wanted: Record<string, string>): Record<string, string> => {
  const name = LabelName.archivingStatus;
  const isArchived = now[name] === ArchivingStatus.Archived && wanted[name] === ArchivingStatus.Pending;
  return isArchived ? { [name]: ArchivingStatus.Archived } : {};
};

const only = (texts: Record<string, string>, isMeant: (name: string) => boolean): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).filter(([name]) => isMeant(name)));

const ifUnchanged = ({ resourceVersion: value }: ObjectHead): PatchOperation => ({
  op: 'replace',
  path: '/metadata/resourceVersion',
  value,
});

/** The status alone, for the subresource: conditional on the version of the head. */
export const statusPatch = (head: ObjectHead, { status }: WorkflowProjection): PatchOperation[] => [
  ifUnchanged(head),
  { op: 'add', path: '/status', value: status },
];

/**
 * The head after the patch, and the patch: conditional on the version of the head. `hasStatus`: false where the status is written by itself,
 * which is then done before.
 */
export const projectionPatch = (
  head: ObjectHead,
  projection: WorkflowProjection,
  hasStatus: boolean,
): { head: ObjectHead; patch: PatchOperation[] } => {
  const { labels, annotations, status, controls: wanted, version, installation } = projection;
  const mayWriteSpec = isInStep(head, projection);
  const kept = only(head.labels, (name) => !isStateLabel(name));
  // What the spec gave it is there by now; where it is not, or is another, people have seen to that.
  const isGiven = isLabelledBegun(head.labels);
  const after: ObjectHead = {
    ...head,
    labels: { ...kept, ...(isGiven ? only(labels, isStateLabel) : labels), ...archivedLabel(head, labels) },
    annotations: {
      ...head.annotations,
      ...(isGiven ? only(annotations, isStateAnnotation) : annotations),
      [ObjectMark.record]: String(version),
      [ObjectMark.writtenOver]: head.resourceVersion,
      ...(installation === undefined ? {} : { [ObjectMark.installation]: installation }),
      ...(mayWriteSpec ? { [ObjectMark.controls]: controlsText(wanted) } : {}),
    },
    controls: mayWriteSpec ? wanted : head.controls,
    hasStatus: true,
  };
  return {
    head: after,
    patch: [
      ifUnchanged(head),
      { op: 'add', path: '/metadata/labels', value: after.labels },
      { op: 'add', path: '/metadata/annotations', value: after.annotations },
      ...(hasStatus ? [{ op: 'add' as const, path: '/status', value: status }] : []),
      ...(mayWriteSpec ? controlOperations(head, wanted) : []),
    ],
  };
};
