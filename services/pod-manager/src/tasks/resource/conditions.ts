import { matchesResource, parseLabelSelector, type LabelRequirement } from '#libs/expressions';
import type { ResourceTemplate } from '#libs/workflow-spec';
import { ConditionError } from './kubectl-error.js';

/** Asks an object whether the wait is over. Throws ConditionError where it is over badly. */
export type Verdict = (json: string) => 'reached' | 'waiting';

/** As Go prints a requirement, values in their order. */
const spoken = ({ key, operator, values }: LabelRequirement): string => `{${key} ${operator} [${values.join(' ')}]}`;

const requirementsOf = (what: string, condition: string): readonly LabelRequirement[] => {
  if (condition === '') return [];
  try {
    return parseLabelSelector(condition).requirements;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConditionError(`${what} condition '${condition}' failed to parse: ${reason}`, { cause: error });
  }
};

/**
 * The conditions of a resource template: one requirement of the failure condition is enough to fail, all of the success condition have to hold; where
 * there is none of that, one look is enough. Throws ConditionError where one cannot be read.
 */
export const verdictOf = ({ successCondition = '', failureCondition = '' }: ResourceTemplate): Verdict => {
  const failures = requirementsOf('failure', failureCondition);
  const successes = requirementsOf('success', successCondition);
  return (json) => {
    const failure = failures.find((requirement) => matchesResource(requirement, json));
    if (failure !== undefined) throw new ConditionError(`failure condition '${spoken(failure)}' evaluated true`);
    return successes.every((requirement) => matchesResource(requirement, json)) ? 'reached' : 'waiting';
  };
};
