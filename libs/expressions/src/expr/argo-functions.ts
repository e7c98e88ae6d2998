import { goJson } from '../golang/json.js';
import { GoFunction } from '../golang/values.js';
import { queryJsonPath } from '../json-paths/jsonpath.js';
import { sprigFunction, textAt } from '../sprig/arguments.js';
import { SPRIG_FUNCTIONS } from '../sprig/functions.js';
import { toFloat64, toInt } from './conversions.js';

const functions: Readonly<Record<string, unknown>> = {
  asInt: new GoFunction('asInt', ([value]) => toInt(value)),
  asFloat: new GoFunction('asFloat', ([value]) => toFloat64(value)),
  jsonpath: sprigFunction('jsonpath', 'ss', (args) => queryJsonPath(textAt(args, 0), textAt(args, 1))),
  toJson: new GoFunction('toJson', ([value]) => goJson(value)),
  sprig: SPRIG_FUNCTIONS,
};

/** Adds the functions that Argo gives to every expression; they win over variables of the same name. */
export function addArgoFunctions(env: Record<string, unknown>): Record<string, unknown> {
  return Object.assign(env, functions);
}
