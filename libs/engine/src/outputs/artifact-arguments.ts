import { evaluateExpression } from '#libs/expressions';
import {
  type Artifact,
  artifactDriverKinds,
  artifactKeyField,
  artifactKeyOf,
  type TemplateInvocation,
} from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';
import type { TemplateScope } from '../scope/steps-scope.js';

const TAG = /^\s*\{\{\s*([^{}]+?)\s*\}\}\s*$/;
const unresolved = (what: string): ExecutionError => new ExecutionError(`Unable to resolve: ${JSON.stringify(what)}`);

const isArtifact = (value: unknown): value is Artifact => value !== null && typeof value === 'object' && 'name' in value;

const sourceOf = (artifact: Artifact, scope: TemplateScope): Artifact => {
  if (artifact.fromExpression !== undefined) {
    const value = evaluateExpression(artifact.fromExpression, artifactEnvironment(scope));
    if (!isArtifact(value)) throw unresolved(artifact.fromExpression);
    return value;
  }
  const name = TAG.exec(artifact.from ?? '')?.[1] ?? artifact.from ?? '';
  const found = scope.artifacts.get(name);
  if (found === undefined) throw unresolved(name);
  return found;
};

const artifactEnvironment = (scope: TemplateScope): Record<string, unknown> => {
  const environment: Record<string, unknown> = {};
  for (const name of scope.variables.keysUnder('')) environment[name] = scope.variables.get(name);
  for (const [name, artifact] of scope.artifacts) environment[name] = artifact;
  return environment;
};

/** What is below the artifact's key, whichever field of its driver holds that; git and raw have none (Argo v4.1 `AppendToKey`). */
const withSubPath = (artifact: Artifact, subPath: string | undefined): Artifact => {
  const [kind] = artifactDriverKinds(artifact);
  if (subPath === undefined || subPath === '' || kind === undefined) return artifact;
  const field = artifactKeyField(kind);
  if (field === undefined) throw new ExecutionError('key unsupported: cannot set key for artifact, because it is invalid');
  const key = artifactKeyOf(artifact, kind) ?? '';
  return { ...artifact, [kind]: { ...artifact[kind], [field]: `${key.replace(/\/$/, '')}/${subPath}` } };
};

/** The artifact that `from` or `fromExpression` names, under this artifact's name. Throws ExecutionError `Unable to resolve: "…"`. */
export const resolveArtifact = (artifact: Artifact, scope: TemplateScope): Artifact => {
  const { name, subPath } = artifact;
  const { globalName: _globalName, ...source } = sourceOf(artifact, scope);
  return withSubPath({ ...source, name }, subPath);
};

/** Inputs that are there are in scope; one that is not is optional, or validation would have refused the workflow. */
const isAbsentInput = ({ from }: Artifact): boolean => /^\s*\{\{\s*inputs\.artifacts\./.test(from ?? '');

/** Arguments with their artifacts resolved; an optional one that is not there is left out. */
export const resolveArguments = (invocation: TemplateInvocation, scope: TemplateScope): TemplateInvocation => {
  const artifacts = invocation.arguments?.artifacts;
  if (artifacts === undefined) return invocation;
  const resolved = artifacts.flatMap((artifact): Artifact[] => {
    if (artifact.from === undefined && artifact.fromExpression === undefined) return [artifact];
    try {
      return [resolveArtifact(artifact, scope)];
    } catch (error) {
      if (artifact.optional === true || isAbsentInput(artifact)) return [];
      throw error;
    }
  });
  return { ...invocation, arguments: { ...invocation.arguments, artifacts: resolved } };
};
