import { WorkflowInvalidError } from '../errors.js';
import type { CronWorkflow } from '../model/workflow.js';
import { assertCronSchedule } from './cron-schedule.js';
import { validateWorkflow, type ValidationOptions, type ValidationResult } from './validate-workflow.js';

/** The workflows get eleven more characters: a hyphen and the seconds of their time. */
const NAME_LIMIT = 52;
const CONCURRENCY_POLICIES = new Set(['', 'Allow', 'Forbid', 'Replace']);

/** Argo's validation of a CronWorkflow and of the workflow that it makes; time zones are checked by whoever runs it. */
export const validateCronWorkflow = (
  cron: CronWorkflow,
  options: Omit<ValidationOptions, 'asTemplate'> = {},
): ValidationResult => {
  const name = cron.metadata.name ?? '';
  if (name.length > NAME_LIMIT) {
    throw new WorkflowInvalidError(
      `cron workflow name ${JSON.stringify(name)} must not be more than ${NAME_LIMIT} characters long (currently ${name.length})`,
    );
  }
  const schedules = cron.spec.schedules ?? [];
  if (schedules.length === 0) throw new WorkflowInvalidError('cron workflow must have at least one schedule');
  for (const schedule of schedules) assertCronSchedule(schedule);
  const policy = cron.spec.concurrencyPolicy ?? '';
  if (!CONCURRENCY_POLICIES.has(policy)) throw new WorkflowInvalidError(`'${policy}' is not a valid concurrencyPolicy`);
  if ((cron.spec.startingDeadlineSeconds ?? 0) < 0) throw new WorkflowInvalidError('startingDeadlineSeconds must be positive');
  try {
    const { namespace } = cron.metadata;
    const metadata = namespace === undefined ? {} : { namespace };
    return validateWorkflow({ metadata, spec: cron.spec.workflowSpec ?? {} }, options);
  } catch (error) {
    if (error instanceof WorkflowInvalidError) throw new WorkflowInvalidError(`cannot validate Workflow: ${error.message}`);
    throw error;
  }
};
