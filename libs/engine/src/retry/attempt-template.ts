import { createScope, substituteJson } from '#libs/expressions';
import { attemptNodeName, isPodTemplateType, templateTypeOf, type Template } from '#libs/workflow-spec';
import { copyOf, type Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import type { TreeNode } from '../state/tree-node.js';
import { podNameOf, retryStrategyOf, templateOf } from '../templates/process-template.js';
import { awayFromFailedHosts } from './anti-affinity.js';

/** How long an attempt took, in whole seconds of the clock. */
export const attemptSeconds = ({ memory }: TreeNode): string =>
  String(Math.max(0, Math.floor((memory.finishedAtMs ?? 0) / 1000) - Math.floor((memory.startedAtMs ?? 0) / 1000)));

/** What an attempt may read of the one before it. */
const attemptVariables = (pass: Pass, retryNode: TreeNode, index: number, template: Template): Map<string, string> => {
  const before = pass.state.byName(attemptNodeName(retryNode.status.name, index - 1));
  const variables = new Map([
    ['retries', String(index)],
    ['lastRetry.exitCode', before?.status.outputs?.exitCode ?? '0'],
    ['lastRetry.status', before?.status.phase ?? ''],
    ['lastRetry.duration', before === undefined ? '0' : attemptSeconds(before)],
    ['lastRetry.message', before?.status.message ?? ''],
  ]);
  if (isPodTemplateType(templateTypeOf(template))) {
    variables.set('pod.name', podNameOf(pass, attemptNodeName(retryNode.status.name, index), template.name ?? ''));
  }
  return variables;
};

/** The template of one attempt of a series: what it may read of the one before, and where it may run. Throws ExpressionError. */
export const attemptTemplate = (pass: Pass, retryNode: TreeNode, index: number): Template => {
  const base = templateOf(pass, retryNode);
  const variables = createScope(attemptVariables(pass, retryNode, index, base), globalScope(pass.state, pass.nowMs));
  const template = substituteJson(copyOf(base), variables, { nowMs: pass.nowMs });
  return awayFromFailedHosts(pass, retryNode, retryStrategyOf(pass, base) ?? {}, template);
};
