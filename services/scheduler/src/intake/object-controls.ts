import type { WorkflowRequest } from '#libs/engine';
import type { WorkflowControls, WorkflowObject } from '#libs/resources';

/** What a person's change of `spec.suspend` and `spec.shutdown` asks of the workflow. Taking a shutdown back asks nothing, as in Argo. */
export const requestsOf = (now: WorkflowControls, known: WorkflowControls): WorkflowRequest[] => {
  const requests: WorkflowRequest[] = [];
  if (now.shutdown !== known.shutdown && now.shutdown !== '')
    requests.push({ type: now.shutdown === 'Terminate' ? 'terminate' : 'stop' });
  if (now.suspend !== known.suspend) requests.push({ type: now.suspend ? 'suspend' : 'unsuspend' });
  return requests;
};

/** The same for the same change, however often it is seen; another one once our rows have been written to the object again. */
export const requestIdOf = ({ key, recordVersion, controls }: WorkflowObject, request: WorkflowRequest): string =>
  ['object', key.uid, recordVersion ?? 0, request.type, controls.suspend, controls.shutdown].join('/');
