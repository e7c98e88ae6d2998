import { type JsonValue, sortedJson, type TTLStrategy } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { takeEditedSpec, writtenSpecOf } from '../workflow/controller-defaults.js';

const textOf = (strategy: TTLStrategy | null | undefined): string => sortedJson((strategy ?? null) as JsonValue);

/**
 * How long the object is kept when the workflow has ended, as a person has changed it at whatever time: Argo looks at it when it deletes. That
 * of the workflow goes before that of its template; taken off, the template's counts again. Saying the same again changes nothing.
 */
export const takeTtl = ({ state }: Pass, strategy: TTLStrategy | null): void => {
  const { ttlStrategy, ...own } = writtenSpecOf(state.submitted, state.header);
  if (textOf(ttlStrategy) === textOf(strategy)) return;
  state.changeHeader((header) => {
    takeEditedSpec(header, strategy === null ? own : { ...own, ttlStrategy: strategy });
    const { storedWorkflowTemplateSpec: stored } = header.status;
    if (stored !== undefined && strategy !== null)
      header.status = { ...header.status, storedWorkflowTemplateSpec: { ...stored, ttlStrategy: strategy } };
  });
};
