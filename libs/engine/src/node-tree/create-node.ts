import {
  displayName,
  formatTime,
  isFulfilledPhase,
  NodeType,
  type Inputs,
  type NodePhase,
  type NodeStatus,
  type Template,
  type TemplateRef,
} from '#libs/workflow-spec';
import type { Pass, StartRequest } from '../pass.js';
import { hasOwnProgress } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';
import { estimateOf } from '../workflow/estimate.js';
import { annotatedName } from './shown-name.js';

/** What differs between the nodes of one request. */
export interface NodeDraft {
  type: NodeType;
  phase: NodePhase;
  message?: string;
  inputs?: Inputs;
  retried?: boolean;
  /** In place of the name that follows from the node's own. */
  displayName?: string;
  /** Public fields beside those that every node has. */
  more?: Partial<NodeStatus>;
}

/** A hooked Retry node counts as retried itself: Argo marks the attempts and their parent through one shared flag. */
const nodeFlagOf = (request: StartRequest, draft: NodeDraft): { hooked?: boolean; retried?: boolean } | undefined => {
  const isRetried = draft.retried === true || (request.hooked === true && draft.type === NodeType.Retry);
  if (request.hooked !== true && !isRetried) return undefined;
  return { ...(request.hooked === true ? { hooked: true } : {}), ...(isRetried ? { retried: true } : {}) };
};

/** Whether the template has inputs that a node shows. */
const inputsOf = (inputs: Inputs | undefined): Inputs | undefined =>
  (inputs?.parameters?.length ?? 0) > 0 || (inputs?.artifacts?.length ?? 0) > 0 ? inputs : undefined;

const shownNameOf = (request: StartRequest, draft: NodeDraft, boundary: TreeNode | undefined): string =>
  draft.displayName ?? displayName(request.nodeName, boundary?.status.name);

/** Adds a node to the tree with its names, times and edges (Argo's initializeNode). */
export const createNode = (pass: Pass, request: StartRequest, draft: NodeDraft): TreeNode => {
  const { state, nowMs } = pass;
  const boundary = state.find(request.boundaryId);
  const { invocation } = request;
  const startedAt = formatTime(nowMs);
  const inputs = inputsOf(draft.inputs);
  const nodeFlag = nodeFlagOf(request, draft);
  const finished = isFulfilledPhase(draft.phase);
  return state.create({
    status: {
      name: request.nodeName,
      displayName: shownNameOf(request, draft, boundary),
      type: draft.type,
      ...(invocation.templateRef === undefined && invocation.template ? { templateName: invocation.template } : {}),
      ...(invocation.templateRef === undefined ? {} : { templateRef: shownReference(invocation.templateRef) }),
      templateScope: request.scope,
      phase: draft.phase,
      ...(boundary === undefined ? {} : { boundaryID: boundary.id }),
      ...(draft.message === undefined || draft.message === '' ? {} : { message: draft.message }),
      startedAt,
      ...estimateOf(state, request.nodeName),
      finishedAt: finished ? startedAt : null,
      ...(hasOwnProgress(draft.type) ? { progress: '0/1' } : {}),
      ...(draft.type === NodeType.Pod ? { taskResultSynced: true } : {}),
      ...(nodeFlag === undefined ? {} : { nodeFlag }),
      ...(inputs === undefined ? {} : { inputs }),
      ...draft.more,
    },
    memory: {
      ...request.memory,
      startedAtMs: nowMs,
      ...(finished ? { finishedAtMs: nowMs } : {}),
      ...(invocation.inline === undefined ? {} : { inline: invocation.inline as unknown as { [key: string]: never } }),
    },
    parents: request.parents,
  });
};

/** What a node shows of its processed template: inputs, and the name that it wants. */
export const shownFields = (template: Template): Pick<NodeDraft, 'inputs' | 'displayName'> => {
  const name = annotatedName(template);
  return {
    ...(template.inputs === undefined ? {} : { inputs: template.inputs }),
    ...(name === undefined ? {} : { displayName: name }),
  };
};

/** The same for an attempt of a series, which keeps its number in its name. */
export const shownByAttempt = ({ inputs }: Template): Pick<NodeDraft, 'inputs'> => (inputs === undefined ? {} : { inputs });

/** As Argo writes it: without a scope that is false. */
const shownReference = ({ clusterScope, ...reference }: TemplateRef): TemplateRef =>
  clusterScope === true ? { ...reference, clusterScope } : reference;
