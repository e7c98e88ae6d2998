import { NodePhase, type RetryStrategy } from '#libs/workflow-spec';
import { compileGoRegexp } from '#libs/expressions';
import { ExecutionError } from '../errors.js';

const TRANSIENT = [
  /pods "[^"]*" (?:already exists|is forbidden: exceeded quota)/,
  /exceeded quota/,
  /i\/o timeout|TLS handshake timeout|connection (?:refused|reset)|net\/http: request canceled/i,
  /too many requests|etcdserver: request timed out|the object has been modified/i,
];

/** The policy in force: `Always` where only an expression is written, else `OnFailure` (Argo's RetryPolicyActual). */
const policyOf = (strategy: RetryStrategy): string => {
  if (strategy.retryPolicy !== undefined && strategy.retryPolicy !== '') return strategy.retryPolicy;
  return strategy.expression === undefined || strategy.expression === '' ? 'OnFailure' : 'Always';
};

const isTransient = (message: string, ownPattern: string | undefined): boolean =>
  TRANSIENT.some((pattern) => pattern.test(message)) || (ownPattern !== undefined && compileGoRegexp(ownPattern).test(message));

/**
 * Whether the policy lets an attempt that ended so be repeated; `transientErrorPattern` is the installation's own (Argo's
 * TRANSIENT_ERROR_PATTERN). Throws ExecutionError for an unknown policy.
 */
export const isRetryable = (
  strategy: RetryStrategy,
  attempt: { phase?: NodePhase; message?: string },
  transientErrorPattern?: string,
): boolean => {
  const policy = policyOf(strategy);
  switch (policy) {
    case 'Always':
      return true;
    case 'OnError':
      return attempt.phase !== NodePhase.Failed;
    case 'OnFailure':
      return attempt.phase !== NodePhase.Error;
    case 'OnTransientError':
      return isTransient(attempt.message ?? '', transientErrorPattern);
    default:
      throw new ExecutionError(`${policy} is not a valid RetryPolicy`);
  }
};

/** Whether an error of the attempt's own making is taken as its end and repeated, instead of being passed up. */
export const takesErrors = (strategy: RetryStrategy): boolean =>
  ['Always', 'OnError', 'OnTransientError'].includes(policyOf(strategy));
