import { type z } from 'zod';
import { ControllerConfigError, ManifestSyntaxError } from '../errors.js';
import { parseManifests } from '../manifests/parse-manifests.js';
import type { JsonValue } from '../model/workflow.js';
import { controllerConfigSchema, type ControllerConfig } from './schema.js';

/** Keys whose text is taken as it stands: `instanceID: "10"` is a name and no number. */
const TEXT_KEYS: ReadonlySet<string> = new Set([
  'namespace',
  'instanceID',
  'navColor',
  'initialDelay',
  'podGCDeleteDelayDuration',
]);
const WHOLE = 'config';

const yamlOf = (key: string, text: string, issues: string[]): JsonValue | undefined => {
  try {
    return parseManifests(text)[0]?.value;
  } catch (error) {
    if (!(error instanceof ManifestSyntaxError)) throw error;
    const place = error.line === undefined ? '' : ` line ${error.line}:`;
    issues.push(`${key}:${place} is not YAML: ${error.message.replace(/^document \d+[^:]*: /, '')}`);
    return undefined;
  }
};

const valueOf = (key: string, text: string, issues: string[]): JsonValue | undefined => {
  if (!TEXT_KEYS.has(key)) return yamlOf(key, text, issues);
  return text.trim().replace(/^(["'])(.*)\1$/, '$2') || undefined;
};

/** A field that is written without a value was not written, at any depth: that is how Go reads it. */
const written = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(fields.map(([key, field]) => [key, written(field)]));
};

/** The document that the data stands for: one key for each field, or the key `config` with all of it, never both. */
const documentOf = (data: Readonly<Record<string, string>>, issues: string[]): Record<string, JsonValue> => {
  const whole = data[WHOLE];
  if (whole === undefined) {
    const entries = Object.entries(data).map(([key, text]) => [key, valueOf(key, text, issues)] as const);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== null)) as Record<string, JsonValue>;
  }
  const others = Object.keys(data).filter((key) => key !== WHOLE);
  if (others.length > 0) issues.push(`config: stands alone or not at all, beside it is ${others.join(', ')}`);
  const value = yamlOf(WHOLE, whole, issues) ?? {};
  if (typeof value === 'object' && !Array.isArray(value) && value !== null) return value;
  issues.push('config: must be an object');
  return {};
};

const lineOf = (issue: z.core.$ZodIssue): string => {
  const path = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  if (issue.code === 'unrecognized_keys')
    return `${path === '' ? '' : `${path}: `}unknown field ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
  return path === '' ? issue.message : `${path}: ${issue.message}`;
};

/**
 * Reads the data of `workflow-controller-configmap` as Argo does: unknown keys and wrong types are refused, all of them named in
 * one ControllerConfigError. No data is the empty configuration.
 */
export const parseControllerConfig = (data: Readonly<Record<string, string>> | undefined): ControllerConfig => {
  const issues: string[] = [];
  const document = documentOf(data ?? {}, issues);
  const parsed = controllerConfigSchema.safeParse(written(document));
  if (!parsed.success) issues.push(...parsed.error.issues.map(lineOf));
  if (issues.length > 0 || !parsed.success) throw new ControllerConfigError(issues);
  return parsed.data;
};
