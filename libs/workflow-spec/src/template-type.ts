import type { Template } from './model/workflow.js';

/** The kinds of work that a template can hold, in the order in which Argo looks for them (workflow_types.go GetType). */
export const TEMPLATE_TYPES = [
  'container',
  'containerSet',
  'steps',
  'script',
  'resource',
  'data',
  'dag',
  'suspend',
  'http',
  'plugin',
] as const;
export type TemplateType = (typeof TEMPLATE_TYPES)[number];

const isPresent = (value: unknown): boolean => value !== undefined && value !== null;

/** The types whose fields are present, in Argo's order; a valid template has exactly one. */
export const templateTypesOf = (template: Template): TemplateType[] => TEMPLATE_TYPES.filter((type) => isPresent(template[type]));

/** The type that Argo would run, or undefined where the template holds none of them. */
export const templateTypeOf = (template: Template): TemplateType | undefined =>
  TEMPLATE_TYPES.find((type) => isPresent(template[type]));

const POD_TYPES: ReadonlySet<string> = new Set<TemplateType>(['container', 'containerSet', 'script', 'resource', 'data']);

/** Whether the template runs as a pod of its own. */
export const isPodTemplateType = (type: TemplateType | undefined): boolean => type !== undefined && POD_TYPES.has(type);
