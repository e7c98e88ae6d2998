import { type LabelRequirement, matchesRequirement, type LabelSelector } from '../selectors/label-selector.js';
import { readGjson } from './gjson.js';

/** Whether one requirement of a success or failure condition holds for a resource's JSON; keys are gjson paths. */
export function matchesResource(requirement: LabelRequirement, json: string): boolean {
  return matchesRequirement(requirement, (path) => {
    const found = readGjson(json, path);
    return found.exists ? found.text : undefined;
  });
}

/** Whether every requirement of a success or failure condition (parsed as a label selector) holds for a resource. */
export const matchesResourceCondition = (condition: LabelSelector, json: string): boolean =>
  condition.requirements.every((requirement) => matchesResource(requirement, json));
