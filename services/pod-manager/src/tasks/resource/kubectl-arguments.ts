import type { Propagation, WriteFlags } from './object-access.js';
import { KubectlError } from './kubectl-error.js';

/** What a template's `flags` say beside or instead of its manifest. */
export interface KubectlArguments {
  /** What is no flag: kinds and names. */
  words: readonly string[];
  selector?: string;
  namespace?: string;
  /** `--type` of a patch. */
  type?: string;
  all: boolean;
  /** How objects are written and deleted. */
  write: WriteFlags;
}

/** Their value stands behind `=` or in the next word. */
const VALUE_FLAGS: Readonly<Record<string, string>> = {
  '-l': 'selector',
  '--selector': 'selector',
  '-n': 'namespace',
  '--namespace': 'namespace',
  '--type': 'type',
  '--grace-period': 'gracePeriod',
  '--timeout': 'timeout',
  '--field-manager': 'fieldManager',
  '--subresource': 'subresource',
};
/** Their value stands behind `=` alone; without one they mean what is written here. */
const SWITCHES: Readonly<Record<string, { name: string; bare: string }>> = {
  '--all': { name: 'all', bare: 'true' },
  '--validate': { name: 'validate', bare: 'strict' },
  '--cascade': { name: 'cascade', bare: 'background' },
  '--wait': { name: 'wait', bare: 'true' },
  '--force': { name: 'force', bare: 'true' },
  '--now': { name: 'now', bare: 'true' },
  '--server-side': { name: 'serverSide', bare: 'true' },
  '--force-conflicts': { name: 'forceConflicts', bare: 'true' },
};
/** Argo's executor passes the first itself; the others are about how kubectl applies on its own side, which is done by the server here. */
const WITHOUT_EFFECT = new Set(['--ignore-not-found', '--save-config', '--overwrite']);

const VALIDATION: Readonly<Record<string, WriteFlags['fieldValidation']>> = {
  strict: 'Strict',
  true: 'Strict',
  warn: 'Warn',
  ignore: 'Ignore',
  false: 'Ignore',
};
const CASCADES: Readonly<Record<string, Propagation>> = {
  background: 'Background',
  true: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
  false: 'Orphan',
};

/** Reads `flags` as kubectl reads its command line. Throws KubectlError for a flag or a value that is not known here. */
export const parseArguments = (flags: readonly string[]): KubectlArguments => {
  const words: string[] = [];
  const values = new Map<string, string>();
  for (let at = 0; at < flags.length; at += 1) {
    const flag = flags[at] ?? '';
    const [name = '', ...rest] = flag.split('=');
    const given = rest.length > 0 ? rest.join('=') : undefined;
    const field = VALUE_FLAGS[name];
    const known = SWITCHES[name];
    if (!flag.startsWith('-')) words.push(flag);
    else if (field !== undefined) values.set(field, given ?? flags[(at += 1)] ?? '');
    else if (known !== undefined) values.set(known.name, given ?? known.bare);
    else if (!WITHOUT_EFFECT.has(name)) throw new KubectlError(`error: unknown flag: ${name}`);
  }
  return {
    words,
    ...present('selector', values.get('selector')),
    ...present('namespace', values.get('namespace')),
    ...present('type', values.get('type')),
    all: values.get('all') === 'true',
    write: writeFlags(values),
  };
};

const present = <Name extends string, T>(name: Name, value: T | undefined): { [Key in Name]?: T } =>
  (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: T };

const oneOf = <T>(flag: string, choices: Readonly<Record<string, T>>, value: string): T => {
  const chosen = Object.hasOwn(choices, value) ? choices[value] : undefined;
  if (chosen === undefined)
    throw new KubectlError(`error: invalid ${flag} value (${value}). Must be one of ${Object.keys(choices).join(', ')}`);
  return chosen;
};

const writeFlags = (values: ReadonlyMap<string, string>): WriteFlags => {
  const isForced = values.get('force') === 'true';
  const seconds = values.get('now') === 'true' ? 1 : Number(values.get('gracePeriod') ?? (isForced ? 0 : -1));
  if (!Number.isInteger(seconds))
    throw new KubectlError(`error: invalid --grace-period value (${values.get('gracePeriod') ?? ''})`);
  return {
    fieldValidation: oneOf('validation', VALIDATION, values.get('validate') ?? 'strict'),
    propagation: oneOf('cascade', CASCADES, values.get('cascade') ?? 'background'),
    // What a client applies goes over other managers' fields; what is asked to be applied by the server does so where it says so.
    takesFields: values.get('serverSide') !== 'true' || values.get('forceConflicts') === 'true',
    waits: values.get('wait') !== 'false',
    recreates: isForced,
    timeoutMs: timeoutMs(values.get('timeout') ?? '0'),
    ...(seconds < 0 ? {} : { gracePeriodSeconds: seconds }),
    ...present('fieldManager', values.get('fieldManager')),
    ...present('subresource', values.get('subresource')),
  };
};

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `0`, `30s`, `5m`; a bare number is seconds. 0: as long as it takes. */
const timeoutMs = (text: string): number => {
  const [, amount, unit = 's'] = /^(\d+)(ms|s|m|h)?$/.exec(text) ?? [];
  if (amount === undefined) throw new KubectlError(`error: invalid timeout value (${text})`);
  return Number(amount) * (UNITS_MS[unit] ?? 1_000);
};
