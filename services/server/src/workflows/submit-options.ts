import { InternalApiError, InvalidArgumentError, type ObjectMeta, type Parameter, type Workflow } from '#libs/workflow-spec';
import { z } from 'zod';

/** `submitOptions` of Argo's submit request (SubmitOpts). */
export const submitOptionsSchema = z.object({
  name: z.string().optional(),
  generateName: z.string().optional(),
  entryPoint: z.string().optional(),
  parameters: z.array(z.string()).nullish(),
  artifacts: z.array(z.string()).nullish(),
  labels: z.string().optional(),
  annotations: z.string().optional(),
  serviceAccount: z.string().optional(),
  dryRun: z.boolean().optional(),
  serverDryRun: z.boolean().optional(),
  podPriorityClassName: z.string().optional(),
  priority: z.number().int().nullish(),
  ownerReference: z.record(z.string(), z.unknown()).nullish(),
});
export type SubmitOptions = z.infer<typeof submitOptionsSchema>;

/** `a=b` split at its first `=`; undefined where there is none. */
function splitPair(text: string): [string, string] | undefined {
  const at = text.indexOf('=');
  return at < 0 ? undefined : [text.slice(0, at), text.slice(at + 1)];
}

/** Given values first, then the parameters that they do not name. Argo answers a malformed one as an internal error. */
export function overrideParameters(existing: readonly Parameter[], given: readonly string[]): Parameter[] {
  const overrides = given.map((text): Parameter => {
    const pair = splitPair(text);
    if (pair === undefined)
      throw new InternalApiError(`expected parameter of the form: NAME=VALUE. Received: ${text.slice(0, 200)}`);
    return { name: pair[0], value: pair[1] };
  });
  const names = new Set(overrides.map(({ name }) => name));
  return [...overrides, ...existing.filter(({ name }) => !names.has(name))];
}

function pairs(text: string | undefined, what: string): Record<string, string> {
  if (text === undefined || text === '') return {};
  return Object.fromEntries(
    text.split(',').map((part) => {
      const pair = splitPair(part);
      if (pair === undefined)
        throw new InternalApiError(`expected ${what} of the form: NAME1=VALUE2,NAME2=VALUE2. Received: ${text.slice(0, 200)}`);
      return pair;
    }),
  );
}

function overrideArtifactKeys(workflow: Workflow, given: readonly string[]): Workflow['spec']['arguments'] {
  const artifacts = [...(workflow.spec.arguments?.artifacts ?? [])];
  for (const text of given) {
    const pair = splitPair(text);
    if (pair === undefined)
      throw new InternalApiError(`expected artifact of the form: NAME=KEY. Received: ${text.slice(0, 200)}`);
    const [name, key] = pair;
    const index = artifacts.findIndex((artifact) => artifact.name === name);
    const artifact = { ...artifacts[index], name, s3: { ...artifacts[index]?.s3, key } };
    if (index < 0) artifacts.push(artifact);
    else artifacts[index] = artifact;
  }
  return { ...workflow.spec.arguments, artifacts };
}

const merged = (
  existing: Record<string, string> | undefined,
  given: Record<string, string>,
): Record<string, string> | undefined =>
  existing === undefined && Object.keys(given).length === 0 ? undefined : { ...existing, ...given };

function metadataWith(metadata: ObjectMeta, options: SubmitOptions): ObjectMeta {
  const labels = merged(metadata.labels, pairs(options.labels, 'labels'));
  const annotations = merged(metadata.annotations, pairs(options.annotations, 'annotations'));
  const changed: ObjectMeta = { ...metadata };
  if (options.name !== undefined && options.name !== '') changed.name = options.name;
  if (options.generateName !== undefined && options.generateName !== '') changed.generateName = options.generateName;
  if (labels !== undefined) changed.labels = labels;
  if (annotations !== undefined) changed.annotations = annotations;
  if (options.ownerReference)
    changed.ownerReferences = [...(metadata.ownerReferences ?? []), z.record(z.string(), z.json()).parse(options.ownerReference)];
  return changed;
}

/** The workflow with the options of a submission applied (Argo's ApplySubmitOpts); the given object is not changed. */
export function applySubmitOptions(workflow: Workflow, options: SubmitOptions): Workflow {
  const spec = { ...workflow.spec };
  if (options.entryPoint) spec.entrypoint = options.entryPoint;
  if (options.serviceAccount) spec.serviceAccountName = options.serviceAccount;
  if (options.podPriorityClassName) spec['podPriorityClassName'] = options.podPriorityClassName;
  if (options.priority !== null && options.priority !== undefined) spec.priority = options.priority;
  if (options.parameters?.length) {
    spec.arguments = { ...spec.arguments, parameters: overrideParameters(spec.arguments?.parameters ?? [], options.parameters) };
  }
  const applied = { ...workflow, metadata: metadataWith(workflow.metadata, options), spec };
  if (options.artifacts?.length) applied.spec.arguments = overrideArtifactKeys(applied, options.artifacts) ?? {};
  return applied;
}

/** Shown for a body that does not have the shape of the request: the first problem with its place. */
export function parseBody<Shape extends z.ZodType>(schema: Shape, body: unknown): z.output<Shape> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidArgumentError(`${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'is malformed'}`);
}
