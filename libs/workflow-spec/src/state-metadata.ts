import { AnnotationName, LabelName } from './label-names.js';
import { WorkflowPhase } from './model/status.js';

const STATE_LABELS: ReadonlySet<string> = new Set([LabelName.phase, LabelName.completed, LabelName.archivingStatus]);
const STATE_ANNOTATIONS: ReadonlySet<string> = new Set([AnnotationName.podNameFormat, AnnotationName.traceId]);
const OWN_ANNOTATION = 'argosy.dev/';
const BEFORE_ITS_BEGINNING: ReadonlySet<string> = new Set(['', WorkflowPhase.Pending]);

/** Whether a label of a Workflow says how it is doing: whoever runs the workflow writes it, and nobody else. */
export const isStateLabel = (name: string): boolean => STATE_LABELS.has(name);

/** The same of an annotation: Argo's notes about the run, and all of ours. */
export const isStateAnnotation = (name: string): boolean => STATE_ANNOTATIONS.has(name) || name.startsWith(OWN_ANNOTATION);

/** Whether an object's labels say that the workflow has begun: by then it also has the labels and annotations that its spec gives it. */
export const isLabelledBegun = (labels: Readonly<Record<string, string>> = {}): boolean =>
  !BEFORE_ITS_BEGINNING.has(labels[LabelName.phase] ?? '');
