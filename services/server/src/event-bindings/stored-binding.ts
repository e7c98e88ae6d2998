import { evaluateBoolean, ExpressionError } from '#libs/expressions';
import type { Resource } from '#libs/resources';
import { API_VERSION, assertSupported, decodeWorkflowEventBinding, Kind } from '#libs/workflow-spec';
import { ApiError } from '../errors/errors.js';
import { eventScope } from './event-scope.js';

/** A WorkflowEventBinding as it is stored: strictly read, with a selector and expressions that can be parsed at least. */
export const bindingResource = (place: { namespace: string; name: string }, body: unknown): Resource => {
  const decoded = decodeWorkflowEventBinding(body);
  assertSupported(decoded);
  const { metadata, spec } = decoded.object;
  if (metadata.name !== undefined && metadata.name !== place.name)
    throw new ApiError(3, 'the name of the object does not match the name on the URL');
  if (metadata.namespace !== undefined && metadata.namespace !== place.namespace)
    throw new ApiError(3, 'the namespace of the object does not match the URL');
  assertParses('spec.event.selector', spec.event?.selector ?? '');
  for (const { name = '', valueFrom } of spec.submit?.arguments?.parameters ?? [])
    assertParses(`parameter ${name}: valueFrom.event`, valueFrom?.event ?? '');
  const { resourceVersion: _resourceVersion, uid: _uid, ...kept } = metadata;
  return { apiVersion: API_VERSION, kind: Kind.WorkflowEventBinding, metadata: { ...kept, ...place }, spec: spec as never };
};

const NO_EVENT = eventScope({ namespace: '', discriminator: '', payload: {}, headers: {} });

const assertParses = (where: string, expression: string): void => {
  try {
    evaluateBoolean(expression, NO_EVENT);
  } catch (error) {
    // Without an event most expressions fail when they are run; that says nothing about them.
    if (error instanceof ExpressionError && ['parse', 'compile'].includes(error.stage))
      throw new ApiError(3, `${where}: ${error.message}`, { cause: error });
  }
};
