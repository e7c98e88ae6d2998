import { AnnotationName, type Template } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';

const ALLOWED = /^[a-zA-Z0-9][a-zA-Z0-9-.]{0,61}[a-zA-Z0-9]$/;

/**
 * The name under which a template wants its nodes to be shown: its annotation `workflows.argoproj.io/display-name`, tags replaced. Undefined
 * without one. Throws ExecutionError for a name that Argo does not allow.
 */
export const annotatedName = (template: Template): string | undefined => {
  const name = template.annotations?.[AnnotationName.displayName];
  if (name === undefined || name === '') return undefined;
  if (!ALLOWED.test(name)) throw new ExecutionError(`displayName must match the regex ${ALLOWED.source}`);
  return name;
};
