import { InvalidArgumentError, type SubmitOptions } from '#libs/workflow-spec';
import { z } from 'zod';

/** `submitOptions` of Argo's submit request as they come; null and '' mean "not given". */
export const submitOptionsSchema = z.object({
  name: z.string().nullish(),
  generateName: z.string().nullish(),
  entryPoint: z.string().nullish(),
  parameters: z.array(z.string()).nullish(),
  artifacts: z.array(z.string()).nullish(),
  labels: z.string().nullish(),
  annotations: z.string().nullish(),
  serviceAccount: z.string().nullish(),
  dryRun: z.boolean().nullish(),
  serverDryRun: z.boolean().nullish(),
  podPriorityClassName: z.string().nullish(),
  priority: z.number().int().nullish(),
  ownerReference: z.record(z.string(), z.json()).nullish(),
});

/** The body of a resubmission. `priority` is ours: Argo's command line has the flag, its API has no field for it. */
export const resubmitBody = z.object({
  memoized: z.boolean().nullish(),
  parameters: z.array(z.string()).nullish(),
  priority: z.number().int().nullish(),
});

/** The members that say something: null, '' and false are what clients send for "not given". */
export function given<Value extends object>(members: Value): { [Key in keyof Value]?: NonNullable<Value[Key]> } {
  const entries = Object.entries(members).filter(
    ([, value]) => value !== null && value !== undefined && value !== '' && value !== false,
  );
  return Object.fromEntries(entries) as { [Key in keyof Value]?: NonNullable<Value[Key]> };
}

/** The options for the workflow itself; those about the submission (dry runs) are left to the caller. */
export function workflowOptions(options: z.output<typeof submitOptionsSchema>): SubmitOptions {
  const { dryRun: _dryRun, serverDryRun: _serverDryRun, ...rest } = given(options);
  return rest;
}

/** Shown for a body that does not have the shape of the request: the first problem with its place. */
export function parseBody<Shape extends z.ZodType>(schema: Shape, body: unknown): z.output<Shape> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidArgumentError(`${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'is malformed'}`);
}
