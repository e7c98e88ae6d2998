import { AnnotationName, LabelName, WorkflowPhase } from '#libs/workflow-spec';
import { collectsArtifacts } from '../artifact-gc/collection-report.js';
import { ensureClaims } from '../claims/claims.js';
import { factId } from '../contract.js';
import { isSuspended } from '../following/suspended.js';
import type { Pass } from '../pass.js';
import { takeRepository } from '../repository/workflow-repository.js';
import { mayBegin } from '../synchronization/workflow-locks.js';
import { isFinished, setWorkflowPhase } from './workflow-phase.js';
import { belowDefaults, takeControllerDefaults } from './controller-defaults.js';
import { mayRunUnderRestrictions } from './restrictions.js';
import { takeEstimate } from './estimate.js';
import { takeWorkflowMetadata } from './workflow-metadata.js';
import { startEntry } from './workflow-run.js';
import { validationError } from './validation.js';
import { mergedSpec } from './template-reference.js';

/** Loads and merges the WorkflowTemplate that the spec names, once; false while it has to be loaded or where it does not exist. */
const takeTemplateReference = (pass: Pass): boolean => {
  const { state } = pass;
  const reference = state.submitted.spec.workflowTemplateRef;
  if (reference === undefined || state.header.status.storedWorkflowTemplateSpec !== undefined) return true;
  const name = reference.name ?? '';
  const key =
    reference.clusterScope === true
      ? ({ kind: 'clusterWorkflowTemplate', name } as const)
      : ({ kind: 'workflowTemplate', namespace: state.namespace, name } as const);
  const fact = pass.input.facts.get(factId(key));
  if (fact === undefined) {
    pass.missing.set(factId(key), key);
    return false;
  }
  if (fact?.kind !== 'template') {
    const resource = reference.clusterScope === true ? 'clusterworkflowtemplates' : 'workflowtemplates';
    setWorkflowPhase(pass, WorkflowPhase.Error, `${resource}.argoproj.io "${name}" not found`);
    return false;
  }
  state.changeHeader((header) => {
    const label = reference.clusterScope === true ? LabelName.clusterWorkflowTemplate : LabelName.workflowTemplate;
    header.labels = { ...header.labels, [label]: name };
    header.status = {
      ...header.status,
      storedWorkflowTemplateSpec: belowDefaults(mergedSpec(state.submitted.spec, fact.spec), header),
    };
  });
  return true;
};

/**
 * For a workflow that came with its status, where the controller restricts what workflows may say: what is kept of templates in a status is not
 * believed, but taken from them as they are now. False where that is not known yet, or where the workflow may not run and has ended.
 */
export const takeTemplateReferenceAnew = (pass: Pass): boolean => {
  pass.state.changeHeader((header) => {
    const { storedWorkflowTemplateSpec: _spec, storedTemplates: _templates, ...status } = header.status;
    header.status = status;
  });
  pass.state.derived.clear();
  return mayRunUnderRestrictions(pass) && takeTemplateReference(pass);
};

const isStarted = (pass: Pass): boolean =>
  (pass.state.header.status.phase ?? '') !== '' && pass.state.header.status.phase !== WorkflowPhase.Pending;

const noteStart = (pass: Pass): void => {
  const { state } = pass;
  setWorkflowPhase(pass, WorkflowPhase.Running, '');
  const deadlineSeconds = state.spec.activeDeadlineSeconds;
  state.changeHeader((header) => {
    header.annotations = {
      ...header.annotations,
      [AnnotationName.podNameFormat]: pass.config.podNames,
      [AnnotationName.traceId]: (state.submitted.metadata.uid ?? '').replaceAll('-', ''),
    };
    if (!collectsArtifacts(state.spec, state.spec.templates ?? []))
      header.status = { ...header.status, artifactGCStatus: { notSpecified: true } };
    if (typeof deadlineSeconds === 'number') {
      header.internal = { ...header.internal, deadlineMs: Math.floor(pass.nowMs / 1000) * 1000 + deadlineSeconds * 1000 };
    }
  });
  if (typeof deadlineSeconds === 'number') state.wakeups.set('', Number(state.header.internal['deadlineMs']));
};

/** What a workflow has to be before it may wait for its turn; false where a fact is missing or it has ended here. */
const isReady = (pass: Pass): boolean => {
  takeControllerDefaults(pass);
  if (!mayRunUnderRestrictions(pass) || !takeTemplateReference(pass)) return false;
  const invalid = validationError(pass);
  if (invalid === 'missing') return false;
  if (invalid !== undefined) {
    setWorkflowPhase(pass, WorkflowPhase.Failed, `invalid spec: ${invalid.message}`);
    return false;
  }
  if (!takeEstimate(pass)) return false;
  const repository = takeRepository(pass);
  if (repository === 'missing' || repository === 'taken') return repository === 'taken';
  setWorkflowPhase(pass, WorkflowPhase.Error, repository.problem);
  return false;
};

const startRoot = (pass: Pass): void => {
  const claims = ensureClaims(pass);
  if (claims === 'ready') startEntry(pass);
  else if (claims !== 'waiting') setWorkflowPhase(pass, claims.phase, claims.message);
};

/** Begins a workflow: merge, validation, phase Running, entry template. An invalid spec ends it as Failed, as Argo's controller does. */
export const startWorkflow = (pass: Pass): void => {
  const { state } = pass;
  if (!isStarted(pass)) {
    if (!isReady(pass) || !mayBegin(pass)) return;
    noteStart(pass);
    if (!takeWorkflowMetadata(pass)) return;
  }
  if (state.root !== undefined || isFinished(state) || isSuspended(state)) return;
  startRoot(pass);
};
