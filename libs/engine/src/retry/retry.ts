import { createScope, evaluateBoolean } from '#libs/expressions';
import {
  attemptNodeName,
  isFailedOrError,
  isFulfilled,
  NodePhase,
  NodeType,
  type RetryStrategy,
  type Template,
} from '#libs/workflow-spec';
import { shutdownMessage, shutdownOf } from '../limits/shutdown.js';
import { hasNoSlot } from '../limits/parallelism.js';
import { createNode } from '../node-tree/create-node.js';
import { copyOf, isBudgetSpent, type ChangedChild, type Outcome, type Pass, type StartRequest } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { lastAttempt } from '../scope/node-variables.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import { endedByError, startBody } from '../templates/start-template.js';
import { retryStrategyOf, templateOf } from '../templates/process-template.js';
import { attemptSeconds, attemptTemplate } from './attempt-template.js';
import { backoffMs, seriesDeadlineMs, spokenDuration, wholeNumber } from './backoff.js';
import { isRetryable, takesErrors } from './retry-policy.js';

const requestFor = (retryNode: TreeNode, index: number): StartRequest => {
  const { status, memory } = retryNode;
  return {
    nodeName: attemptNodeName(status.name, index),
    invocation: {
      name: memory.name ?? '',
      ...(status.templateName === undefined ? {} : { template: status.templateName }),
      ...(status.templateRef === undefined ? {} : { templateRef: status.templateRef }),
    },
    scope: status.templateScope ?? '',
    ...(status.boundaryID === undefined ? {} : { boundaryId: status.boundaryID }),
    parents: [retryNode.id],
    hooked: status.nodeFlag?.hooked === true,
    kind: 'other',
    memory: { owner: retryNode.id, role: 'attempt', index, ...(memory.onExit === true ? { onExit: true } : {}) },
  };
};

const startAttempt = (pass: Pass, retryNode: TreeNode, index: number, deadlineMs: number | undefined): Outcome => {
  const request = requestFor(retryNode, index);
  if (deadlineMs !== undefined) request.memory.deadlineMs = deadlineMs;
  let template: Template;
  try {
    template = attemptTemplate(pass, retryNode, index);
  } catch (error) {
    const message = messageOf(error);
    createNode(pass, request, { type: NodeType.Skipped, phase: NodePhase.Error, message, retried: true });
    return { error: message };
  }
  const started = endedByError(pass, startBody(pass, request, template, { retried: true }));
  return isFulfilled(started.node.status) ? takeEnd(pass, retryNode, started.node, started.error) : {};
};

const end = (pass: Pass, retryNode: TreeNode, phase: NodePhase, message?: string): Outcome => {
  const attempt = lastAttempt(pass.state, retryNode);
  pass.state.change(retryNode, () => {
    if (attempt?.status.outputs !== undefined) retryNode.status.outputs = copyOf(attempt.status.outputs);
  });
  setPhase(pass.state, retryNode, { phase, ...(message === undefined ? {} : { message }), nowMs: pass.nowMs });
  return {};
};

/** Variables of `retryStrategy.expression`; all of them texts. */
const expressionScope = (attempt: TreeNode): Map<string, string> =>
  new Map([
    ['retries', String(attempt.memory.index ?? 0)],
    ['lastRetry.exitCode', attempt.status.outputs?.exitCode ?? '-1'],
    ['lastRetry.status', attempt.status.phase ?? ''],
    ['lastRetry.duration', attemptSeconds(attempt)],
    ['lastRetry.message', attempt.status.message ?? ''],
  ]);

/** Why the series is over, or when the next attempt may start. */
type Verdict =
  { type: 'over'; message: string } | { type: 'again'; deadlineMs?: number } | { type: 'wait'; untilMs: number; message: string };

const backoffVerdict = (pass: Pass, retryNode: TreeNode, strategy: RetryStrategy, attempt: TreeNode): Verdict => {
  const { backoff } = strategy;
  if (backoff === undefined) return { type: 'again' };
  const count = (attempt.memory.index ?? 0) + 1;
  const first = pass.state.byName(attemptNodeName(retryNode.status.name, 0));
  const deadlineMs = seriesDeadlineMs(backoff, first?.memory.startedAtMs ?? pass.nowMs);
  if (deadlineMs !== undefined && pass.nowMs > deadlineMs) return { type: 'over', message: 'Max duration limit exceeded' };
  const waitMs = backoffMs(backoff, count);
  const untilMs = (attempt.memory.finishedAtMs ?? pass.nowMs) + waitMs;
  if (deadlineMs !== undefined && untilMs > deadlineMs)
    return { type: 'over', message: 'Backoff would exceed max duration limit' };
  const limit = wholeNumber(strategy.limit);
  const isLimited = limit !== undefined && count <= limit;
  if (pass.nowMs < untilMs && isLimited) return { type: 'wait', untilMs, message: `Backoff for ${spokenDuration(waitMs)}` };
  return { type: 'again', ...(deadlineMs === undefined ? {} : { deadlineMs }) };
};

/** In Argo's order: shutdown and deadline, backoff, policy, limit, expression (processNodeRetries). */
const judge = (pass: Pass, retryNode: TreeNode, strategy: RetryStrategy, attempt: TreeNode): Verdict => {
  const { state, nowMs } = pass;
  if (shutdownOf(state) !== undefined) return { type: 'over', message: shutdownMessage(state) };
  const deadline = state.header.internal['deadlineMs'];
  if (typeof deadline === 'number' && nowMs > deadline) {
    return {
      type: 'over',
      message: `retry exceeded workflow deadline ${new Date(deadline).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`,
    };
  }
  const backoff = backoffVerdict(pass, retryNode, strategy, attempt);
  if (backoff.type !== 'again') return backoff;
  if (!isRetryable(strategy, attempt.status, pass.config.retry?.transientErrorPattern))
    return { type: 'over', message: attempt.status.message ?? '' };
  const limit = wholeNumber(strategy.limit);
  if (limit !== undefined && (attempt.memory.index ?? 0) + 1 > limit) return { type: 'over', message: 'No more retries left' };
  const { expression } = strategy;
  if (expression !== undefined && expression !== '' && !evaluateBoolean(expression, createScope(expressionScope(attempt)))) {
    return { type: 'over', message: 'retryStrategy.expression evaluated to false' };
  }
  return backoff;
};

/** A template that has lost its strategy, as somebody has changed the spec of the running workflow, is not tried again. */
const NO_MORE: RetryStrategy = { limit: 0 };

const goOn = (pass: Pass, retryNode: TreeNode, attempt: TreeNode): Outcome => {
  const strategy = retryStrategyOf(pass, templateOf(pass, retryNode)) ?? NO_MORE;
  let verdict: Verdict;
  try {
    verdict = judge(pass, retryNode, strategy, attempt);
  } catch (error) {
    const message = messageOf(error);
    setPhase(pass.state, retryNode, { phase: NodePhase.Error, message, nowMs: pass.nowMs });
    return { error: message };
  }
  switch (verdict.type) {
    case 'over':
      return end(pass, retryNode, attempt.status.phase ?? NodePhase.Failed, verdict.message);
    case 'wait':
      return sleep(pass, retryNode, verdict.untilMs, verdict.message);
    case 'again':
      return again(pass, retryNode, attempt, verdict.deadlineMs);
  }
};

const sleep = (pass: Pass, retryNode: TreeNode, untilMs: number, message: string): Outcome => {
  pass.state.change(retryNode, () => {
    retryNode.memory.wakeAtMs = untilMs;
  });
  setPhase(pass.state, retryNode, { phase: retryNode.status.phase ?? NodePhase.Running, message, nowMs: pass.nowMs });
  return {};
};

const again = (pass: Pass, retryNode: TreeNode, attempt: TreeNode, deadlineMs: number | undefined): Outcome => {
  const { state } = pass;
  if (isBudgetSpent(pass)) {
    state.deferred.set(retryNode.id, 'budget');
    return {};
  }
  if (hasNoSlot(pass, undefined)) {
    state.waitingForSlot.add(retryNode.id);
    return {};
  }
  if (retryNode.status.message !== undefined)
    setPhase(state, retryNode, { phase: retryNode.status.phase ?? NodePhase.Running, message: '', nowMs: pass.nowMs });
  return startAttempt(pass, retryNode, (attempt.memory.index ?? 0) + 1, deadlineMs);
};

/** An attempt has ended: the series has its end, waits, or goes on. An error that the policy does not take is passed up, the node left as it is. */
const takeEnd = (pass: Pass, retryNode: TreeNode, attempt: TreeNode, error: string | undefined): Outcome => {
  const strategy = retryStrategyOf(pass, templateOf(pass, retryNode)) ?? {};
  if (error !== undefined && !takesErrors(strategy)) return { error };
  if (!isFailedOrError(attempt.status)) return end(pass, retryNode, NodePhase.Succeeded);
  return goOn(pass, retryNode, attempt);
};

/** Goes on with a series of attempts (Argo's processNodeRetries and the retry part of executeTemplate). */
export const advanceRetry = (pass: Pass, retryNode: TreeNode, changed?: ChangedChild): Outcome => {
  const attempt = lastAttempt(pass.state, retryNode);
  if (attempt === undefined) return startAttempt(pass, retryNode, 0, undefined);
  if (!isFulfilled(attempt.status)) return {};
  const error = changed?.node.id === attempt.id ? changed.error : undefined;
  return takeEnd(pass, retryNode, attempt, error);
};
