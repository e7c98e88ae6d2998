import { WorkflowInvalidError } from '../errors.js';
import type { Arguments, Artifact, Parameter } from '../model/workflow.js';
import { assertNames, itemNameProblems } from './field-names.js';
import { hasLocation } from './process-arguments.js';

const assertValueFrom = (place: string, parameter: Parameter): void => {
  const source = parameter.valueFrom;
  if (source === undefined) return;
  const isAllowed = source.configMapKeyRef !== undefined || Boolean(source.event) || source.supplied !== undefined;
  const isForbidden = Boolean(source.path) || Boolean(source.jsonPath) || Boolean(source.parameter) || Boolean(source.expression);
  if (!isAllowed || isForbidden) {
    throw new WorkflowInvalidError(`${place}.valueFrom only allows: default, configMapKeyRef and supplied`);
  }
};

/** Whether the rest of the parameters needs no look: Argo stops at the first one with an enum and no value where values may be absent. */
const assertParameter = (prefix: string, parameter: Parameter, allowEmptyValues: boolean): boolean => {
  const place = `${prefix}${parameter.name}`;
  if (parameter.valueFrom === undefined && parameter.value === undefined && !allowEmptyValues) {
    throw new WorkflowInvalidError(`${place}.value or ${place}.valueFrom is required`);
  }
  assertValueFrom(place, parameter);
  if (parameter.enum === undefined) return false;
  if (parameter.enum.length === 0) throw new WorkflowInvalidError(`${place}.enum should contain at least one value`);
  if (parameter.value === undefined) {
    if (allowEmptyValues) return true;
    throw new WorkflowInvalidError(`${place}.value is required`);
  }
  if (!parameter.enum.includes(parameter.value)) {
    throw new WorkflowInvalidError(`${place}.value should be present in ${place}.enum list`);
  }
  return false;
};

const assertArtifact = (prefix: string, artifact: Artifact): void => {
  const from = artifact.from ?? '';
  if (from === '' && !hasLocation(artifact)) {
    throw new WorkflowInvalidError(`${prefix}${artifact.name}.from, artifact location, or key is required`);
  }
  if (from !== '' && artifact.fromExpression) {
    throw new WorkflowInvalidError(`${prefix}${artifact.name} shouldn't have both \`from\` and \`fromExpression\` in Artifact`);
  }
};

/** Arguments have names, values and locations (Argo's validateArguments); `prefix` ends in a dot. */
export const assertArguments = (prefix: string, supplied: Arguments | undefined, allowEmptyValues: boolean): void => {
  assertNames(`${prefix}parameters`, supplied?.parameters, itemNameProblems);
  assertNames(`${prefix}artifacts`, supplied?.artifacts, itemNameProblems);
  for (const parameter of supplied?.parameters ?? []) {
    if (assertParameter(prefix, parameter, allowEmptyValues)) return;
  }
  for (const artifact of supplied?.artifacts ?? []) assertArtifact(prefix, artifact);
};
