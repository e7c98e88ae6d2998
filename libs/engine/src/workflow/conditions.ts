import type { Condition } from '#libs/workflow-spec';
import type { WorkflowState } from '../state/workflow-state.js';

/** Sets a condition, replacing the one of the same type. */
export const setCondition = (state: WorkflowState, condition: Condition): void => {
  const others = (state.header.status.conditions ?? []).filter(({ type }) => type !== condition.type);
  const known = state.header.status.conditions?.find(({ type }) => type === condition.type);
  if (known?.status === condition.status && known?.message === condition.message) return;
  state.changeHeader((header) => {
    header.status = { ...header.status, conditions: [...others, condition] };
  });
};

/** Beyond this a condition's message says no more. */
const MOST_MESSAGE_LENGTH = 2048;

/** Sets a condition; a message that is there already for its type stays in front of the new one, as in Argo. */
export const appendCondition = (state: WorkflowState, condition: Condition): void => {
  const before = state.header.status.conditions?.find(({ type }) => type === condition.type)?.message ?? '';
  const own = condition.message ?? '';
  if (before.length > MOST_MESSAGE_LENGTH || (before !== '' && before.includes(own))) return;
  setCondition(state, { ...condition, message: before === '' ? own : `${before}, ${own}` });
};
