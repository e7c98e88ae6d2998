import { AnnotationName, parseTime, UserError, type WorkflowSpec } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { lookAgain } from '../state/look-again.js';
import { takeEditedSpec } from '../workflow/controller-defaults.js';
import { isFinished } from '../workflow/workflow-phase.js';

/** A changed deadline counts from the start, as one of the beginning does. */
const moveDeadline = ({ state }: Pass, before: number | undefined): void => {
  const seconds = state.spec.activeDeadlineSeconds;
  const { startedAt } = state.header.status;
  if (seconds === before || !startedAt || state.header.internal['deadlinePassed'] === true) return;
  const deadlineMs = typeof seconds === 'number' ? parseTime(startedAt) + seconds * 1000 : undefined;
  state.changeHeader((header) => {
    const { deadlineMs: _former, ...others } = header.internal;
    header.internal = deadlineMs === undefined ? others : { ...others, deadlineMs };
  });
  state.wakeups.set('', deadlineMs);
};

/**
 * A person has changed the spec of a workflow's object. As in Argo, whose controller reads it at every look: nodes that are there stay, what
 * begins from now on follows the new spec. One that has ended, or runs the stored spec of a WorkflowTemplate, takes no notice. The annotation says which
 * spec is known here. Throws UserError
 * where the new spec names a WorkflowTemplate, as that is looked up at the start alone.
 */
export const takeEdit = (pass: Pass, { spec, digest }: { spec: WorkflowSpec; digest: string }): void => {
  const { state } = pass;
  if (isFinished(state) || state.submitted.spec.workflowTemplateRef !== undefined) return;
  if (spec.workflowTemplateRef !== undefined)
    throw new UserError('spec.workflowTemplateRef: a workflow that runs cannot be given one');
  const { activeDeadlineSeconds } = state.spec;
  state.changeHeader((header) => {
    takeEditedSpec(header, spec);
    header.annotations = { ...header.annotations, [AnnotationName.specDigest]: digest };
  });
  state.derived.clear();
  moveDeadline(pass, activeDeadlineSeconds);
  lookAgain(state);
  state.deferred.set('', 'restored');
};
