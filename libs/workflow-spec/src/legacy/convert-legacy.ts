import type { JsonValue } from '../model/workflow.js';

/** An object without the forms that Argo 4.0 removed, and a line for each change. */
export interface ConvertedLegacy {
  value: JsonValue;
  /** `spec.schedule is now spec.schedules`; empty where nothing was old. */
  changes: readonly string[];
}

type JsonObject = { [key: string]: JsonValue };
const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);

/** One word became a list of its plural. */
const PLURALS = { schedule: 'schedules', mutex: 'mutexes', semaphore: 'semaphores' } as const;

class Conversion {
  readonly changes: string[] = [];

  /** The object with `field` as the first entry of the list that took its place. */
  plural(owner: JsonObject, field: keyof typeof PLURALS, path: string): JsonObject {
    const { [field]: single, ...rest } = owner;
    if (single === undefined || single === null) return single === undefined ? owner : rest;
    const plural = PLURALS[field];
    this.changes.push(`${path}.${field} is now ${path}.${plural}`);
    const others = listOf(rest[plural]).filter((entry) => JSON.stringify(entry) !== JSON.stringify(single));
    return { ...rest, [plural]: [single, ...others] };
  }

  private withoutPriority(owner: JsonObject, path: string): JsonObject {
    if (!('podPriority' in owner)) return owner;
    const { podPriority: _gone, ...rest } = owner;
    this.changes.push(`${path}.podPriority is gone: name a class of priorities in podPriorityClassName`);
    return rest;
  }

  private locks(owner: JsonObject, path: string): JsonObject {
    const { synchronization } = owner;
    if (!isObject(synchronization)) return owner;
    const place = `${path}.synchronization`;
    return {
      ...owner,
      synchronization: this.plural(this.plural(synchronization, 'mutex', place), 'semaphore', place),
    };
  }

  private template(value: JsonValue, path: string): JsonValue {
    if (!isObject(value)) return value;
    const template = this.withoutPriority(this.locks(value, path), path);
    const calls = (list: JsonValue, place: string): JsonValue =>
      Array.isArray(list) ? list.map((call, index) => this.call(call, `${place}[${index}]`)) : list;
    const { steps, dag } = template;
    return {
      ...template,
      ...(Array.isArray(steps) ? { steps: steps.map((group, index) => calls(group, `${path}.steps[${index}]`)) } : {}),
      ...(isObject(dag) && Array.isArray(dag['tasks'])
        ? { dag: { ...dag, tasks: calls(dag['tasks'], `${path}.dag.tasks`) } }
        : {}),
    };
  }

  private call(value: JsonValue, path: string): JsonValue {
    if (!isObject(value) || !isObject(value['inline'])) return value;
    return { ...value, inline: this.template(value['inline'], `${path}.inline`) };
  }

  spec(value: JsonObject, path: string): JsonObject {
    const spec = this.withoutPriority(this.locks(value, path), path);
    return {
      ...spec,
      ...(Array.isArray(spec['templates'])
        ? { templates: spec['templates'].map((template, index) => this.template(template, `${path}.templates[${index}]`)) }
        : {}),
      ...(isObject(spec['templateDefaults'])
        ? { templateDefaults: this.template(spec['templateDefaults'], `${path}.templateDefaults`) }
        : {}),
    };
  }
}

/**
 * Rewrites `schedule`, `mutex`, `semaphore` and `podPriority`, which Argo 4.0 removed (its `convert` does the same), in a parsed object of
 * any kind. What is not old is the same afterwards, unknown fields included.
 */
export const convertLegacy = (value: JsonValue): ConvertedLegacy => {
  const conversion = new Conversion();
  if (!isObject(value) || !isObject(value['spec'])) return { value, changes: [] };
  const { spec, kind } = value;
  if (kind !== 'CronWorkflow') return { value: { ...value, spec: conversion.spec(spec, 'spec') }, changes: conversion.changes };
  const cron = conversion.plural(spec, 'schedule', 'spec');
  const inner = cron['workflowSpec'];
  const converted = isObject(inner) ? { ...cron, workflowSpec: conversion.spec(inner, 'spec.workflowSpec') } : cron;
  return { value: { ...value, spec: converted }, changes: conversion.changes };
};
