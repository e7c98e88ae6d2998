import { createScope, substituteJson, type Scope } from '#libs/expressions';
import {
  itemDescription,
  itemFromValue,
  itemVariables,
  loopNodeName,
  parseItemList,
  type ItemText,
  type TemplateInvocation,
} from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';
import { isWanted } from '../scope/when.js';
import { parseGoJson } from './go-json.js';
import { sequenceItems } from './sequence.js';

/** One member of a loop, or the step or task itself where it does not loop. */
export interface Member {
  invocation: TemplateInvocation;
  /** Name of the member's node below its group or DAG. */
  nodeName: string;
  /** Position in the loop; absent without one. */
  index?: number;
}

/** Members by position, made when asked for, so that a loop of many members is not held whole. */
export interface Members {
  count: number;
  at(index: number): Member;
}

/** Whether the invocation loops at all. */
export const isLoop = (invocation: TemplateInvocation): boolean =>
  (invocation.withItems?.length ?? 0) > 0 || (invocation.withParam ?? '') !== '' || (invocation.withSequence ?? null) !== null;

const listItems = (withParam: string): ItemText[] => {
  const shown = withParam.trim();
  try {
    const compact = parseGoJson(withParam);
    if (!compact.startsWith('[') && compact !== 'null') {
      const kind = compact.startsWith('{')
        ? 'object'
        : compact.startsWith('"')
          ? 'string'
          : /^[tf]/.test(compact)
            ? 'bool'
            : 'number';
      throw new ExecutionError(`json: cannot unmarshal ${kind} into Go value of type []v1alpha1.Item`);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : '';
    throw new ExecutionError(`withParam value could not be parsed as a JSON list: ${shown}: ${reason}`, { cause });
  }
  return parseItemList(withParam);
};

const rawItems = (invocation: TemplateInvocation): ItemText[] => {
  if ((invocation.withItems?.length ?? 0) > 0) return (invocation.withItems ?? []).map(itemFromValue);
  if ((invocation.withParam ?? '') !== '') return listItems(invocation.withParam ?? '');
  return sequenceItems(invocation.withSequence ?? {});
};

const isKnownFalse = (when: string | undefined): boolean => {
  try {
    return !isWanted(when);
  } catch {
    return false;
  }
};

/** The items; a list that cannot be read counts as empty where the step would not run anyway (Argo's expandStep). */
const itemsOf = (invocation: TemplateInvocation): ItemText[] => {
  try {
    return rawItems(invocation);
  } catch (error) {
    if (isKnownFalse(invocation.when)) return [];
    throw error;
  }
};

/** So many members are filled before the first is started, so that a mistake in one of them stops the loop as a whole, as in Argo. */
const CHECKED_MEMBERS = 200;

/**
 * The members of a loop. `scope` holds what else a member may name beside its item; unknown names are an error unless `when` is false
 * for all. Throws ExecutionError or ExpressionError with Argo's message.
 */
export const expand = (invocation: TemplateInvocation, scope: Scope, nowMs: number): Members => {
  const items = itemsOf(invocation);
  const { withItems: _items, withParam: _param, withSequence: _sequence, ...body } = invocation;
  const unresolved = isKnownFalse(invocation.when) ? 'keep' : 'error';
  const at = (index: number): Member => {
    const item = items[index];
    if (item === undefined) throw new ExecutionError(`loop ${invocation.name} has no item ${index}`);
    const filled = substituteJson(body, createScope(itemVariables(item), scope), { unresolved, nowMs });
    const nodeName = loopNodeName(invocation.name, index, itemDescription(item));
    return {
      nodeName,
      index,
      invocation: { ...filled, name: nodeName, ...(body.template === undefined ? {} : { template: body.template }) },
    };
  };
  for (let index = 0; index < Math.min(items.length, CHECKED_MEMBERS); index += 1) at(index);
  return { count: items.length, at };
};
