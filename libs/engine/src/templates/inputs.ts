import {
  anyString,
  artifactDriverKinds,
  type Arguments,
  type Artifact,
  type Parameter,
  type Template,
} from '#libs/workflow-spec';
import { factId } from '../contract.js';
import { ExecutionError } from '../errors.js';
import type { Pass } from '../pass.js';
import { ABSENT_OPTIONAL } from '../scope/absent-optional.js';

const hasValue = (parameter: Parameter | undefined): boolean => parameter?.value !== undefined && parameter.value !== null;

const configMapValue = (pass: Pass, parameter: Parameter): string | undefined => {
  const reference = parameter.valueFrom?.configMapKeyRef;
  if (reference === undefined) return undefined;
  const key = { kind: 'configMapKey', namespace: pass.state.namespace, name: reference.name, key: reference.key } as const;
  const fact = pass.input.facts.get(factId(key));
  if (fact === undefined) {
    pass.missing.set(factId(key), key);
    throw new MissingFact();
  }
  if (fact?.kind === 'text') return fact.value;
  if (parameter.valueFrom?.default !== undefined) return anyString(parameter.valueFrom.default);
  throw new ExecutionError(
    `failed to retrieve inputs.parameters.${parameter.name} from ConfigMap ${reference.name}: key ${reference.key} not found`,
  );
};

/** Thrown while a template is prepared where a fact has to be loaded first; nothing has been changed then. */
export class MissingFact extends Error {}

const absentArgument = (name: string): ExecutionError =>
  new ExecutionError(
    `inputs.parameters.${name}: argument references an absent optional (skipped/omitted node output with no default)`,
  );

/** The input with what its argument gives: a value, or a place to read it from. */
const withArgument = (pass: Pass, input: Parameter, given: Parameter | undefined): Parameter => {
  if (given !== undefined && hasValue(given)) return { ...input, value: anyString(given.value) };
  const own: Parameter = given?.valueFrom === undefined ? input : { ...input, valueFrom: given.valueFrom };
  const read = own.valueFrom === undefined ? undefined : configMapValue(pass, own);
  return read === undefined ? own : { ...own, value: read };
};

/** Argument, then the input's own value, then its default (Argo's ProcessArgs). */
const inputParameter = (pass: Pass, input: Parameter, supplied: Parameter | undefined): Parameter => {
  const isAbsent = supplied?.value === ABSENT_OPTIONAL;
  const own = { ...withArgument(pass, input, isAbsent ? undefined : supplied) };
  if (!hasValue(own) && own.default !== undefined) own.value = anyString(own.default);
  if ((isAbsent && !hasValue(own)) || own.value?.includes(ABSENT_OPTIONAL) === true) throw absentArgument(input.name);
  if (!hasValue(own)) throw new ExecutionError(`inputs.parameters.${input.name} was not supplied`);
  if (own.enum !== undefined && own.enum.length > 0 && !own.enum.includes(own.value ?? '')) {
    throw new ExecutionError(`inputs.parameters.${input.name} value "${own.value ?? ''}" is not part of enum`);
  }
  return own;
};

/** Whether the artifact says where it lies. */
export const hasLocation = (artifact: Artifact): boolean => artifactDriverKinds(artifact).length > 0;

/** Where the file goes is the template's matter, not the caller's. */
const ownFields = ({ path, mode, recurseMode, optional }: Artifact): Partial<Artifact> =>
  Object.fromEntries(Object.entries({ path, mode, recurseMode, optional }).filter(([, value]) => value !== undefined));

const inputArtifact = (input: Artifact, supplied: Artifact | undefined): Artifact => {
  if (supplied === undefined) {
    if (hasLocation(input) || input.optional === true) return input;
    throw new ExecutionError(`inputs.artifacts.${input.name} was not supplied`);
  }
  if (!hasLocation(supplied) && supplied.optional !== true && input.optional !== true) {
    throw new ExecutionError(`inputs.artifacts.${input.name} missing location information`);
  }
  const { path: _path, mode: _mode, recurseMode: _recurseMode, ...source } = supplied;
  return { ...source, ...ownFields(input) };
};

/** The template with the values of its inputs in `inputs`. Throws ExecutionError where one is missing. */
export const withArguments = (pass: Pass, template: Template, args: Arguments): Template => {
  const parameters = template.inputs?.parameters?.map((input) =>
    inputParameter(
      pass,
      input,
      args.parameters?.find((argument) => argument.name === input.name),
    ),
  );
  const artifacts = template.inputs?.artifacts?.map((input) =>
    inputArtifact(
      input,
      args.artifacts?.find((argument) => argument.name === input.name),
    ),
  );
  if (template.inputs === undefined) return template;
  return {
    ...template,
    inputs: {
      ...template.inputs,
      ...(parameters === undefined ? {} : { parameters }),
      ...(artifacts === undefined ? {} : { artifacts }),
    },
  };
};
