import { NodePhase, type Artifact, type IntOrString, type Template } from '#libs/workflow-spec';
import type { PodOrder } from '../contract.js';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { archiveKeyOf } from '../outputs/artifact-keys.js';
import { located, locationOf } from '../outputs/located-outputs.js';
import { repositoryFor } from '../repository/template-repository.js';
import { workflowRepository } from '../repository/workflow-repository.js';
import { pendingDeadlineMs, timeoutsOf } from '../limits/timeouts.js';
import { isShutDownFor, shutdownPodMessage } from '../limits/shutdown.js';
import type { TreeNode } from '../state/tree-node.js';
import { hasLocation } from '../templates/inputs.js';
import { podNameOf, templateOf, writtenTemplateOf } from '../templates/process-template.js';
import { arePatchesGuarded } from '../workflow/restrictions.js';
import { invocationName } from './invocation-name.js';
import { podGcAnnotation } from './pod-gc.js';
import { isResultWanted } from './result-capture.js';
import { workflowPodFields } from './workflow-pod-fields.js';

const secondsOf = (value: IntOrString | undefined): number | undefined => {
  if (value === undefined || value === '') return undefined;
  const seconds = Number(value);
  return Number.isFinite(seconds) ? seconds : undefined;
};

/** When the pod has to end: own `activeDeadlineSeconds` and `timeout`, the retry's maxDuration, the workflow's deadline. */
const podDeadlineMs = (pass: Pass, node: TreeNode, template: Template): number | undefined => {
  const startedAtMs = node.memory.startedAtMs ?? pass.nowMs;
  const own = secondsOf(template.activeDeadlineSeconds);
  const { wholeMs } = timeoutsOf(template);
  const workflow = pass.state.header.internal['deadlineMs'];
  const limits = [
    own === undefined ? undefined : startedAtMs + own * 1000,
    wholeMs === undefined ? undefined : startedAtMs + wholeMs,
    node.memory.deadlineMs,
    typeof workflow === 'number' && node.memory.onExit !== true ? workflow : undefined,
  ].filter((limit): limit is number => limit !== undefined);
  return limits.length === 0 ? undefined : Math.min(...limits);
};

/** After a manual retry the same node id gets a new pod, whose incarnation must not be one that was there before. */
const INCARNATIONS_PER_EPOCH = 1000;

/** The name by which the pod's template is known: that of the referenced one for a templateRef. */
const templateNameOf = (node: TreeNode, template: Template): string =>
  node.status.templateRef?.template ?? node.status.templateName ?? template.name ?? '';

/** Artifacts with the locations that they will be read from and written to: keys alone borrow the rest from the repository. */
const withLocations = (pass: Pass, template: Template, archiveKey: string | undefined): Template => {
  const repository = repositoryFor(pass, template);
  const locate = (artifact: Artifact): Artifact => located(artifact, locationOf(artifact, repository, archiveKey));
  const borrow = (artifact: Artifact): Artifact => located(artifact, locationOf(artifact, repository, undefined));
  const { inputs, outputs } = template;
  return {
    ...template,
    ...(inputs?.artifacts === undefined
      ? {}
      : { inputs: { ...inputs, artifacts: inputs.artifacts.filter(hasLocation).map(borrow) } }),
    ...(outputs?.artifacts === undefined ? {} : { outputs: { ...outputs, artifacts: outputs.artifacts.map(locate) } }),
  };
};

/** Whether standard output of `main` is wanted: where the template around it speaks of it, and of a data template always. */
const capturesResult = (pass: Pass, node: TreeNode, template: Template): boolean => {
  if (template.data !== undefined) return true;
  const boundary = pass.state.find(node.status.boundaryID);
  return isResultWanted(boundary === undefined ? undefined : templateOf(pass, boundary), invocationName(pass.state, node));
};

/** Where this pod's artifacts and logs go. Argo's precedence for logs: the repository's `true` wins; else `archiveLocation`; else the spec. */
const archiveOf = (pass: Pass, template: Template): Pick<PodOrder, 'repository' | 'archiveLogs'> => {
  const repository = repositoryFor(pass, template);
  const wanted = template.archiveLocation?.archiveLogs ?? pass.state.spec.archiveLogs ?? false;
  return {
    ...(repository === undefined ? {} : { repository }),
    archiveLogs: workflowRepository(pass)?.archiveLogs === true || wanted,
  };
};

/** Under restrictions, what the values of a submitter may have gone into. */
const writtenPatches = (pass: Pass, node: TreeNode): Pick<PodOrder, 'writtenPatches'> => {
  if (!arePatchesGuarded(pass.config)) return {};
  const { podSpecPatch: workflow } = pass.state.spec;
  const { podSpecPatch: template } = writtenTemplateOf(pass, node);
  return {
    writtenPatches: { ...(workflow === undefined ? {} : { workflow }), ...(template === undefined ? {} : { template }) },
  };
};

/**
 * Orders the pod of a Pending node, or ends the node where the workflow is being shut down (Argo's createWorkflowPod).
 * The order carries the processed template, so that nobody behind it needs the workflow. Throws ExecutionError for a mount without a volume.
 */
export const orderPod = (pass: Pass, node: TreeNode, template: Template, adoption: Pick<PodOrder, 'adopts'> = {}): void => {
  const { state, nowMs } = pass;
  if (adoption.adopts !== 'only' && isShutDownFor(state, node)) {
    setPhase(state, node, { phase: NodePhase.Failed, message: shutdownPodMessage(state), nowMs });
    return;
  }
  const deadlineMs = podDeadlineMs(pass, node, template);
  const pendingUntilMs = pendingDeadlineMs(template, node.memory.startedAtMs ?? nowMs);
  const incarnation = (node.memory.incarnation ?? Number(state.header.internal['epoch'] ?? 0) * INCARNATIONS_PER_EPOCH) + 1;
  const templateName = templateNameOf(node, template);
  state.change(node, () => {
    node.memory.incarnation = incarnation;
    if (deadlineMs !== undefined) node.memory.deadlineMs = deadlineMs;
    if (pendingUntilMs !== undefined) node.memory.wakeAtMs = pendingUntilMs;
  });
  const podName = podNameOf(pass, node.status.name, templateName);
  const archiveKey = archiveKeyOf(pass, { node, podName, template });
  const { executorPlugins } = state.spec;
  const podFields = workflowPodFields(pass, node, { template, podName });
  const order: PodOrder = {
    nodeId: node.id,
    nodeName: node.status.name,
    incarnation,
    podName,
    templateName,
    template: withLocations(pass, template, archiveKey),
    captureResult: capturesResult(pass, node, template),
    onExit: node.memory.onExit === true,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    labels: { ...template.metadata?.labels },
    annotations: { ...template.metadata?.annotations, ...podGcAnnotation(state.spec.podGC) },
    ...(archiveKey === undefined ? {} : { archiveKey }),
    ...(podFields === undefined ? {} : { podFields }),
    ...writtenPatches(pass, node),
    ...archiveOf(pass, template),
    ...adoption,
    ...(template.plugin === undefined || executorPlugins === undefined ? {} : { executorPlugins }),
  };
  state.pending.commands.push({ type: 'runPod', order });
};
