import { goJson } from '../golang/json.js';
import { GoFunction } from '../golang/values.js';
import { SPRIG_FUNCTIONS } from '../sprig/functions.js';
import { toFloat64, toInt } from './conversions.js';

const functions: Readonly<Record<string, unknown>> = {
  asInt: new GoFunction('asInt', ([value]) => toInt(value)),
  asFloat: new GoFunction('asFloat', ([value]) => toFloat64(value)),
  toJson: new GoFunction('toJson', ([value]) => goJson(value)),
  sprig: SPRIG_FUNCTIONS,
};

/** Adds the functions that Argo gives to every expression; they win over variables of the same name. */
export function addArgoFunctions(env: Record<string, unknown>): Record<string, unknown> {
  return Object.assign(env, functions);
}
