import { readFileSync } from 'node:fs';

import { z } from 'zod';

import { ConfigError, type ConfigProblem } from './errors.js';
import { type Field, fieldFacts } from './fields.js';

/** The fields of a program's configuration, by camelCase key. */
export type ConfigShape = Readonly<Record<string, Field<unknown>>>;

/** A program's configuration schema, made by `configOf`. */
export type ConfigSchema<Shape extends ConfigShape = ConfigShape> = z.ZodObject<Shape>;

/** The parsed, frozen configuration of a schema. */
export type ConfigOf<Schema extends z.ZodType> = Readonly<z.output<Schema>>;

/** Texts by variable name, such as process.env. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Makes a program's configuration schema out of fields; each key reads the variable that `variableOf` names. */
export function configOf<const Shape extends ConfigShape>(shape: Shape): z.ZodObject<Shape> {
  return z.object(shape);
}

/** The environment variable of a key: `pollIntervalMs` reads POLL_INTERVAL, `cacheSizeBytes` CACHE_SIZE, `databaseUrl` DATABASE_URL. */
export function variableOf(key: string): string {
  return key
    .replace(/(?:Ms|Bytes)$/, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase();
}

/**
 * Reads a program's configuration from `environment` (the process's own where absent). Throws one ConfigError naming every
 * variable at fault. Empty variables count as absent; secrets may be given as `<VARIABLE>_FILE`. The result is frozen.
 */
export function loadConfig<Shape extends ConfigShape>(
  schema: z.ZodObject<Shape>,
  environment: Environment = process.env,
): ConfigOf<z.ZodObject<Shape>> {
  const problems: ConfigProblem[] = [];
  const texts: Record<string, string> = {};
  for (const [key, field] of Object.entries<Field<unknown>>(schema.shape)) {
    const written = readVariable(variableOf(key), fieldFacts(field)?.secret ?? false, { environment, problems });
    if (written !== undefined) texts[key] = written;
  }
  const unreadable = new Set(problems.map(({ variable }) => variable));
  const parsed = schema.safeParse(texts);
  for (const issue of parsed.error?.issues ?? []) {
    const variable = issue.path.length === 0 ? 'configuration' : variableOf(String(issue.path[0]));
    if (!unreadable.has(variable)) problems.push({ variable, problem: issue.message });
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(parsed.data);
}

/** The process's environment with some variables replaced, for a program that fixes them itself. */
export function processEnvironment(fixed: Environment = {}): Environment {
  return { ...process.env, ...fixed };
}

interface Reading {
  readonly environment: Environment;
  readonly problems: ConfigProblem[];
}

function readVariable(variable: string, secret: boolean, { environment, problems }: Reading): string | undefined {
  const direct = environment[variable] || undefined;
  const fileVariable = `${variable}_FILE`;
  const path = secret ? environment[fileVariable] || undefined : undefined;
  if (path === undefined) return direct;
  if (direct !== undefined) {
    problems.push({ variable, problem: `is given together with ${fileVariable}; give one of them` });
    return undefined;
  }
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    problems.push({ variable, problem: `the file that ${fileVariable} names cannot be read: ${(error as Error).message}` });
    return undefined;
  }
}
