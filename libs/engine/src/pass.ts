import type { JsonValue, LifecycleHook, TemplateInvocation } from '#libs/workflow-spec';
import type { DecideInput, EngineConfig, FactKey } from './contract.js';
import type { NodeMemory } from './state/node-memory.js';
import type { TreeNode } from './state/tree-node.js';
import type { WorkflowState } from './state/workflow-state.js';

/** A wish to run a template as a new node. */
export interface StartRequest {
  nodeName: string;
  invocation: Pick<TemplateInvocation, 'name' | 'template' | 'templateRef' | 'inline' | 'arguments'>;
  /** Where template names are looked up: `local/<workflow>`, `namespaced/<name>`, `cluster/<name>`. */
  scope: string;
  boundaryId?: string;
  parents: readonly string[];
  memory: NodeMemory;
  hooked?: boolean;
  kind: 'step' | 'task' | 'other';
}

/**
 * `node`: it exists now, and may have ended already; `error` is what Argo's executeTemplate would have returned to its caller.
 * `refused`: nothing was made; a limit, the size of this decision or a missing fact is in the way.
 */
export type StartResult = { type: 'node'; node: TreeNode; error?: string } | { type: 'refused'; why: Refusal };
type Refusal = 'slot' | 'budget' | 'fact';

/** What going on with a container gave: the error that Argo would pass up from it, if any. */
export interface Outcome {
  error?: string;
}

/** The concepts call each other through this table, so that their files stay free of import cycles. */
export interface Operations {
  start(pass: Pass, request: StartRequest): StartResult;
  /** The same for a node that waited for its locks and has them now. */
  enter(pass: Pass, request: StartRequest): StartResult;
  /** Goes on with an unfulfilled container as far as it can; `changed` is the child that has just changed, if one has. */
  advance(pass: Pass, container: TreeNode, changed?: ChangedChild): Outcome;
}
export interface ChangedChild {
  node: TreeNode;
  error?: string;
}

/** One call of `decide`: the state it works on and everything that is constant meanwhile. */
export interface Pass {
  readonly state: WorkflowState;
  readonly input: DecideInput;
  readonly config: EngineConfig;
  readonly operations: Operations;
  readonly missing: Map<string, FactKey>;
  readonly nowMs: number;
  readonly maxChanges: number;
}

/** Whether this decision has become so large that the rest is left to the next one. */
export const isBudgetSpent = (pass: Pass): boolean => pass.state.pending.nodes.size >= pass.maxChanges;

/** The exit handler of a step or task: `onExit` wins over a hook called `exit` (Argo's GetExitHook). */
export const exitHookOf = (
  invocation: Pick<TemplateInvocation, 'onExit' | 'hooks'>,
  workflowArguments: LifecycleHook['arguments'],
): LifecycleHook | undefined => {
  if (invocation.onExit)
    return { template: invocation.onExit, ...(workflowArguments === undefined ? {} : { arguments: workflowArguments }) };
  return invocation.hooks?.['exit'];
};

/** A deep copy of plain data. */
export const copyOf = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T));

/** Plain data seen as JSON. */
export const asJson = (value: unknown): JsonValue => value as JsonValue;
