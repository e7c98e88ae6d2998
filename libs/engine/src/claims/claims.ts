import { substituteJson } from '#libs/expressions';
import {
  claimOrderId,
  isClaimOrderId,
  LabelName,
  WorkflowPhase,
  type KubernetesObject,
  type ObjectMeta,
} from '#libs/workflow-spec';
import type { PodReport } from '../contract.js';
import { ExecutionError } from '../errors.js';
import { asJson, copyOf, type Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import type { WorkflowState } from '../state/workflow-state.js';
import { messageOf } from '../templates/error-message.js';

/** One claim of the workflow, by the name of its template; kept in the header. */
interface ClaimMemory {
  claimName: string;
  incarnation: number;
  isMade: boolean;
}
type ClaimMemories = Record<string, ClaimMemory>;
type ClaimTemplate = KubernetesObject & { metadata?: ObjectMeta & KubernetesObject };

/** As with pods: after a manual retry the same claim is ordered anew under a number that was not there before. */
const INCARNATIONS_PER_EPOCH = 1000;

const memoriesOf = (state: WorkflowState): ClaimMemories | undefined =>
  state.header.internal['claims'] as unknown as ClaimMemories | undefined;

const remember = (state: WorkflowState, claims: ClaimMemories): void =>
  state.changeHeader((header) => {
    header.internal = { ...header.internal, claims: asJson(claims) };
  });

/** The PersistentVolumeClaim of a template (Argo's createPVCs): named after both, labelled and owned by the workflow. */
const claimOf = (pass: Pass, template: ClaimTemplate, claimName: string): KubernetesObject => {
  const { state } = pass;
  const { apiVersion: _version, kind: _kind, metadata = {}, status: _status, ...rest } = template;
  const { labels, annotations } = metadata;
  const { uid = '' } = state.submitted.metadata;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: claimName,
      namespace: state.namespace,
      labels: { ...labels, [LabelName.workflow]: state.name },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [
        {
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'Workflow',
          name: state.name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    ...rest,
  };
};

const order = (pass: Pass, written: readonly KubernetesObject[]): ClaimMemories => {
  const { state, nowMs } = pass;
  const templates = substituteJson(copyOf(written), globalScope(state, nowMs), { nowMs }) as ClaimTemplate[];
  const incarnation = Number(state.header.internal['epoch'] ?? 0) * INCARNATIONS_PER_EPOCH + 1;
  const claims: ClaimMemories = {};
  templates.forEach((template, index) => {
    const name = template.metadata?.name;
    if (!name) throw new ExecutionError(`volumeClaimTemplates[${index}].metadata.name is required`);
    const claimName = `${state.name}-${name}`;
    claims[name] = { claimName, incarnation, isMade: false };
    const claim = claimOf(pass, template, claimName);
    state.pending.commands.push({ type: 'createClaim', orderId: claimOrderId(claimName), incarnation, claimName, claim });
  });
  return claims;
};

const isComplete = (claims: ClaimMemories): boolean => Object.values(claims).every(({ isMade }) => isMade);

/** What a claim that cannot be had does: the workflow ends in Error, in Argo's words. */
const failed = (message: string): Ended => ({ phase: WorkflowPhase.Error, message: `pvc create error: ${message}` });
/** How the workflow has to end because of a claim. */
export interface Ended {
  phase: WorkflowPhase;
  message: string;
}

/** Orders claims that are known to be there once more: who keeps them makes what is missing. */
export const orderClaims = (pass: Pass): void => void order(pass, pass.state.spec.volumeClaimTemplates ?? []);

/**
 * Orders the claims of `volumeClaimTemplates`, once. `ready`: there are none, or all have been made; `waiting`: reports are still to come.
 */
export const ensureClaims = (pass: Pass): 'ready' | 'waiting' | Ended => {
  const { state } = pass;
  const written = state.spec.volumeClaimTemplates ?? [];
  if (written.length === 0) return 'ready';
  const known = memoriesOf(state);
  if (known !== undefined) return isComplete(known) ? 'ready' : 'waiting';
  try {
    remember(state, order(pass, written));
    return 'waiting';
  } catch (error) {
    return failed(messageOf(error));
  }
};

/** Whether a report is about a claim and not about a pod. */
export const isAboutClaim = ({ nodeId }: PodReport): boolean => isClaimOrderId(nodeId);

/** Takes over that a claim was made or cannot be; gives how the workflow ends in the second case. */
export const takeClaimReport = (pass: Pass, report: PodReport): Ended | undefined => {
  const { state } = pass;
  const claims = memoriesOf(state) ?? {};
  const found = Object.entries(claims).find(([, { claimName }]) => claimOrderId(claimName) === report.nodeId);
  if (found === undefined) return undefined;
  const [name, claim] = found;
  if (claim.incarnation !== report.incarnation || claim.isMade) return undefined;
  if (report.phase === 'Failed' || report.phase === 'Gone') return failed(report.message ?? 'the claim is gone');
  if (report.phase !== 'Succeeded') return undefined;
  remember(state, { ...claims, [name]: { ...claim, isMade: true } });
  state.changeHeader((header) => {
    const volume = { name, persistentVolumeClaim: { claimName: claim.claimName } };
    const others = ((header.status.persistentVolumeClaims ?? []) as KubernetesObject[]).filter((other) => other['name'] !== name);
    header.status = { ...header.status, persistentVolumeClaims: [...others, volume] };
  });
  return undefined;
};

/** The workflow has ended: its claims go, after a failure only under `volumeClaimGC.strategy: OnWorkflowCompletion` (Argo's deletePVCs). */
export const releaseClaims = (pass: Pass): void => {
  const { state } = pass;
  const claims = memoriesOf(state);
  const strategy = state.spec.volumeClaimGC?.strategy;
  const isKept = strategy !== 'OnWorkflowCompletion' && state.header.status.phase !== WorkflowPhase.Succeeded;
  if (claims === undefined || isKept) return;
  for (const { claimName, incarnation } of Object.values(claims)) {
    state.pending.commands.push({ type: 'deletePod', nodeId: claimOrderId(claimName), incarnation });
  }
  forgetClaims(state);
};

const forgetClaims = (state: WorkflowState): void =>
  state.changeHeader((header) => {
    const { claims: _claims, ...internal } = header.internal;
    const { persistentVolumeClaims: _volumes, ...status } = header.status;
    header.internal = internal;
    header.status = status;
  });

/**
 * A manual retry makes claims that have gone anew. Its pods are ordered at once and wait for them as any pod waits for its volumes.
 */
export const orderClaimsAgain = (pass: Pass): void => {
  const { state } = pass;
  const written = state.spec.volumeClaimTemplates ?? [];
  if (written.length === 0 || memoriesOf(state) !== undefined || state.root === undefined) return;
  const claims = order(pass, written);
  remember(state, claims);
  state.changeHeader((header) => {
    const volumes = Object.entries(claims).map(([name, { claimName }]) => ({ name, persistentVolumeClaim: { claimName } }));
    header.status = { ...header.status, persistentVolumeClaims: volumes };
  });
};
