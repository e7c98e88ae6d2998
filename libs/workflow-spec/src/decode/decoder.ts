import { anyString } from '../any-string.js';
import { parseTime } from '../times.js';
import type { JsonValue } from '../model/workflow.js';
import { LANGUAGE } from './language.js';
import { nearestName } from './nearest-name.js';
import { fieldOf, type FieldType } from './schema.js';

/** What the decoder found besides the value; each entry is one line for the user. */
export interface DecodeFindings {
  /** Values of a wrong type: `spec.parallelism: must be a whole number, found a string`. */
  wrongTypes: string[];
  /** `unknown field "spec.templates[0].contaner" (did you mean "container"?)`. */
  unknownFields: string[];
  /** `template main: field http is not supported yet`. */
  unsupported: string[];
  /** Accepted, but without an effect on every runtime. */
  warnings: string[];
}

/** More problems than these are cut: a hostile object must not make a message of megabytes. */
const FINDINGS_LIMIT = 25;
const MAX_DEPTH = 200;

interface Place {
  /** `spec.templates[0].container`. */
  path: string;
  /** What the messages about support start with: `template main` or `spec`. */
  owner: string;
  /** The path below the owner. */
  below: string;
  depth: number;
}

type JsonObject = { [key: string]: JsonValue };
const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

const nameOfType = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
};

const RULES = {
  text: 'must be a string',
  integer: 'must be a whole number',
  boolean: 'must be true or false',
  integerOrText: 'must be a whole number or a string',
  anyText: 'must be a string, a number or true or false',
  time: 'must be a time in RFC 3339 form',
  anything: '',
  object: 'must be an object',
  list: 'must be a list',
  map: 'must be an object',
  ref: 'must be an object',
} as const;

/** Walks one object by its schema. One use per object; the value comes back without nulls and with AnyStrings as text. */
export class Decoder {
  readonly findings: DecodeFindings = { wrongTypes: [], unknownFields: [], unsupported: [], warnings: [] };

  decode(schema: string, value: unknown): JsonValue | undefined {
    return this.value({ kind: 'ref', schema }, value, { path: '', owner: '', below: '', depth: 0 });
  }

  private note(kind: keyof DecodeFindings, line: string): void {
    if (this.findings[kind].length < FINDINGS_LIMIT && !this.findings[kind].includes(line)) this.findings[kind].push(line);
  }

  private wrong(type: FieldType, value: unknown, place: Place): undefined {
    this.note('wrongTypes', `${place.path || 'the object'}: ${RULES[type.kind]}, found ${nameOfType(value)}`);
    return undefined;
  }

  private value(type: FieldType, value: unknown, place: Place): JsonValue | undefined {
    if (place.depth > MAX_DEPTH) {
      this.note('wrongTypes', `${place.path.slice(0, 200)}: nested deeper than ${MAX_DEPTH} levels`);
      return undefined;
    }
    switch (type.kind) {
      case 'list':
        return this.list(type.of, value, place);
      case 'map':
        return this.map(type, value, place);
      case 'ref':
        return this.object(type.schema, value, place);
      case 'object':
        return isObject(value) ? this.free(value, place) : this.wrong(type, value, place);
      case 'anything':
        return this.free(value, place);
      default:
        return this.scalar(type, value, place);
    }
  }

  private scalar(type: FieldType, value: unknown, place: Place): JsonValue | undefined {
    const isInteger = typeof value === 'number' && Number.isSafeInteger(value);
    switch (type.kind) {
      case 'text':
        return typeof value === 'string' ? value : this.wrong(type, value, place);
      case 'integer':
        return isInteger ? value : this.wrong(type, value, place);
      case 'boolean':
        return typeof value === 'boolean' ? value : this.wrong(type, value, place);
      case 'integerOrText':
        return isInteger || typeof value === 'string' ? value : this.wrong(type, value, place);
      case 'anyText':
        return isObject(value) || Array.isArray(value) ? '' : anyString(value);
      default:
        return this.time(type, value, place);
    }
  }

  private time(type: FieldType, value: unknown, place: Place): string | undefined {
    try {
      if (typeof value === 'string') {
        parseTime(value);
        return value;
      }
    } catch {
      // Said below, in the words of the rule.
    }
    return this.wrong(type, value, place);
  }

  /** Carried as written; only depth and prototype keys are looked at. */
  private free(value: unknown, place: Place): JsonValue | undefined {
    if (Array.isArray(value)) return value.map((item) => this.value({ kind: 'anything' }, item, deeper(place, '')) ?? null);
    if (!isObject(value)) return value as JsonValue;
    const copy: JsonObject = {};
    for (const [key, member] of Object.entries(value)) {
      if (this.isPrototypeKey(key, place)) continue;
      const decoded = this.value({ kind: 'anything' }, member, deeper(place, `.${key}`));
      if (decoded !== undefined) copy[key] = decoded;
    }
    return copy;
  }

  private list(of: FieldType, value: unknown, place: Place): JsonValue | undefined {
    if (!Array.isArray(value)) return this.wrong({ kind: 'list', of }, value, place);
    const zero: JsonValue = of.kind === 'ref' ? {} : of.kind === 'list' ? [] : of.kind === 'anything' ? null : '';
    return value.map((item: unknown, index) => {
      if (item === null) return zero;
      return this.value(of, item, ownerOf(of, item, deeper(place, `[${index}]`))) ?? zero;
    });
  }

  private map(type: FieldType & { kind: 'map' }, value: unknown, place: Place): JsonValue | undefined {
    if (!isObject(value)) return this.wrong(type, value, place);
    const decoded: JsonObject = {};
    for (const [key, member] of Object.entries(value)) {
      if (this.isPrototypeKey(key, place)) continue;
      const inner = deeper(place, `.${key}`);
      decoded[key] = member === null ? '' : (this.value(type.of, member, inner) ?? '');
    }
    return decoded;
  }

  private object(schemaName: string, value: unknown, place: Place): JsonValue | undefined {
    if (!isObject(value)) return this.wrong({ kind: 'ref', schema: schemaName }, value, place);
    const schema = LANGUAGE[schemaName] ?? {};
    const decoded: JsonObject = {};
    for (const [key, member] of Object.entries(value)) {
      const inner = deeper(place, place.path === '' ? key : `.${key}`);
      const entry = Object.hasOwn(schema, key) ? schema[key] : undefined;
      if (entry === undefined) {
        this.unknown(key, Object.keys(schema), inner);
        continue;
      }
      if (member === null) continue;
      const field = fieldOf(entry);
      if (field.support === 'later') this.note('unsupported', `${inner.owner}: field ${inner.below} is not supported yet`);
      if (field.support === 'placed')
        this.note('warnings', `${inner.owner}: field ${inner.below} may have no effect on this runtime`);
      const result = this.value(field.type, member, inner);
      if (result !== undefined) decoded[key] = result;
    }
    return inSchemaOrder(decoded, Object.keys(schema));
  }

  private unknown(key: string, known: string[], place: Place): void {
    if (this.findings.unknownFields.length >= FINDINGS_LIMIT) return;
    const near = nearestName(key, known);
    const hint = near === undefined ? '' : ` (did you mean "${near}"?)`;
    this.note('unknownFields', `unknown field ${JSON.stringify(place.path.slice(0, 300))}${hint}`);
  }

  private isPrototypeKey(key: string, place: Place): boolean {
    if (key !== '__proto__') return false;
    this.note('unknownFields', `unknown field ${JSON.stringify(`${place.path.slice(0, 300)}.__proto__`)}`);
    return true;
  }
}

/** Fields in the order in which Go writes them: validation names the first tag that does not resolve. */
const inSchemaOrder = (decoded: JsonObject, order: readonly string[]): JsonObject => {
  const ordered: JsonObject = {};
  for (const key of order) {
    const member = decoded[key];
    if (member !== undefined) ordered[key] = member;
  }
  return ordered;
};

const deeper = (place: Place, step: string): Place => {
  const path = place.path + step;
  const depth = place.depth + 1;
  if (path === 'spec' || path === 'spec.workflowSpec') return { path, owner: 'spec', below: '', depth };
  return { path, owner: place.owner === '' ? 'object' : place.owner, below: (place.below + step).replace(/^\./, ''), depth };
};

/** Below `spec` and below each template, messages about support name the owner and the path from there. */
const ownerOf = (of: FieldType, item: unknown, place: Place): Place => {
  if (of.kind !== 'ref' || of.schema !== 'Template') return place;
  const name = isObject(item) && typeof item['name'] === 'string' ? item['name'].slice(0, 128) : place.path;
  return { ...place, owner: `template ${name}`, below: '' };
};
