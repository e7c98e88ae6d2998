import {
  isDaemoned,
  isFailedOrError,
  isFulfilled,
  NodePhase,
  NodeType,
  onExitNodeName,
  WorkflowPhase,
  type LifecycleHook,
} from '#libs/workflow-spec';
import { createScope, substituteJson } from '#libs/expressions';
import { endDaemons } from '../daemons/end-daemons.js';
import { mayExitHandlersRun, shutdownMessage, shutdownOf } from '../limits/shutdown.js';
import { exitHookOf, type ChangedChild, type Pass, type StartResult } from '../pass.js';
import { runWorkflowHooks } from '../hooks/lifecycle-hooks.js';
import { setPhase } from '../phase/transitions.js';
import { globalScope } from '../scope/globals.js';
import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';
import { messageOf } from '../templates/error-message.js';
import { localScope } from '../templates/resolve-template.js';
import { isFinished, setWorkflowPhase } from './workflow-phase.js';

const FINAL_PHASE: Readonly<Record<NodePhase, WorkflowPhase>> = {
  [NodePhase.Pending]: WorkflowPhase.Pending,
  [NodePhase.Running]: WorkflowPhase.Running,
  [NodePhase.Succeeded]: WorkflowPhase.Succeeded,
  [NodePhase.Skipped]: WorkflowPhase.Succeeded,
  [NodePhase.Omitted]: WorkflowPhase.Succeeded,
  [NodePhase.Failed]: WorkflowPhase.Failed,
  [NodePhase.Error]: WorkflowPhase.Error,
};

/** Starts the entry template as the root node. */
export const startEntry = (pass: Pass): void => {
  const { state } = pass;
  const result = startTop(pass, () =>
    pass.operations.start(pass, {
      nodeName: state.name,
      invocation: {
        name: '',
        template: state.spec.entrypoint ?? '',
        arguments: substituteJson(state.spec.arguments ?? {}, globalScope(state, pass.nowMs)),
      },
      scope: localScope(state),
      parents: [],
      kind: 'step',
      memory: { owner: '', role: 'root' },
    }),
  );
  if (result?.type === 'node')
    afterTopChange(pass, { node: result.node, ...(result.error === undefined ? {} : { error: result.error }) });
};

const startTop = (pass: Pass, start: () => StartResult): StartResult | undefined => {
  try {
    const result = start();
    if (result.type === 'refused') {
      if (result.why === 'slot') pass.state.waitingForSlot.add('');
      else pass.state.deferred.set('', result.why);
    }
    return result;
  } catch (error) {
    setWorkflowPhase(pass, WorkflowPhase.Error, messageOf(error));
    return undefined;
  }
};

const exitHook = (pass: Pass): LifecycleHook | undefined => exitHookOf(pass.state.spec, pass.state.spec.arguments);

const startExitHandler = (pass: Pass, hook: LifecycleHook): TreeNode | undefined => {
  const { state } = pass;
  const result = startTop(pass, () =>
    pass.operations.start(pass, {
      nodeName: onExitNodeName(state.name),
      invocation: {
        name: '',
        ...(hook.template === undefined ? {} : { template: hook.template }),
        ...(hook.templateRef === undefined ? {} : { templateRef: hook.templateRef }),
        arguments: substituteJson(hook.arguments ?? state.spec.arguments ?? {}, createScope({}, globalScope(state, pass.nowMs))),
      },
      scope: localScope(state),
      parents: [],
      hooked: true,
      kind: 'step',
      memory: { owner: '', role: 'exit', subject: state.name, onExit: true },
    }),
  );
  if (result?.type === 'node' && result.error !== undefined) {
    setWorkflowPhase(pass, WorkflowPhase.Error, `error in exit template execution : ${result.error}`);
    return undefined;
  }
  return result?.type === 'node' ? result.node : undefined;
};

/** Pods that run at the end, because something above them failed early, are seen to their own end first (Argo waits for their results). */
const isWorkUnfinished = ({ counters, nodes }: WorkflowState): boolean =>
  counters.runningPods > 0 &&
  [...nodes.values()].some(
    ({ status }) => status.type === NodeType.Pod && status.phase === NodePhase.Running && !isDaemoned(status),
  );

const conclude = (pass: Pass, root: TreeNode, exitNode: TreeNode | undefined): void => {
  const { state } = pass;
  if (isWorkUnfinished(state)) return;
  const phase = FINAL_PHASE[root.status.phase ?? NodePhase.Error];
  if (phase === WorkflowPhase.Succeeded) {
    if (exitNode !== undefined && isFailedOrError(exitNode.status)) {
      setWorkflowPhase(pass, FINAL_PHASE[exitNode.status.phase ?? NodePhase.Error], exitNode.status.message ?? '');
    } else {
      setWorkflowPhase(pass, phase, '');
    }
    return;
  }
  const message =
    isFailedOrError(root.status) && shutdownOf(state) !== undefined ? shutdownMessage(state) : (root.status.message ?? '');
  setWorkflowPhase(pass, phase, message);
};

const fireHooks = (pass: Pass, root: TreeNode): boolean => {
  const status = FINAL_PHASE[root.status.phase ?? NodePhase.Running];
  const scope = createScope(new Map([['workflow.status', status]]), globalScope(pass.state, pass.nowMs));
  try {
    return runWorkflowHooks(pass, root, scope, localScope(pass.state));
  } catch (error) {
    setPhase(pass.state, root, { phase: NodePhase.Error, message: messageOf(error), nowMs: pass.nowMs });
    return true;
  }
};

/** Nobody waits for a daemon that is all there is. */
const endLoneDaemon = (pass: Pass, root: TreeNode): void => {
  if (isDaemoned(root.status)) endDaemons(pass, true);
};

/** Looks at the workflow as a whole: nothing to do until the root has ended, then the exit handler, then the end (Argo's operate). */
export const assessWorkflow = (pass: Pass): void => {
  const { state } = pass;
  const { root } = state;
  if (isFinished(state) || root === undefined) return;
  endLoneDaemon(pass, root);
  const areHooksDone = fireHooks(pass, root);
  if (!isFulfilled(root.status)) return;
  const finalPhase = FINAL_PHASE[root.status.phase ?? NodePhase.Error];
  if (state.header.internal['finalPhase'] !== finalPhase) {
    state.changeHeader((header) => {
      header.internal = { ...header.internal, finalPhase };
    });
  }
  if (!areHooksDone || !fireHooks(pass, root)) return;
  const hook = exitHook(pass);
  let exitNode = state.byName(onExitNodeName(state.name));
  if (hook !== undefined && (exitNode !== undefined || mayExitHandlersRun(state))) {
    exitNode ??= startExitHandler(pass, hook);
    if (isFinished(state) || exitNode === undefined || !isFulfilled(exitNode.status)) return;
  }
  conclude(pass, root, exitNode);
};

/** The root or the exit handler has changed; an error that came up from it ends the workflow. */
export const afterTopChange = (pass: Pass, changed: ChangedChild): void => {
  if (changed.error !== undefined) {
    const what =
      changed.node.memory.role === 'root' ? 'error in entry template execution:' : 'error in exit template execution :';
    setWorkflowPhase(pass, WorkflowPhase.Error, `${what} ${changed.error}`);
    return;
  }
  assessWorkflow(pass);
};
