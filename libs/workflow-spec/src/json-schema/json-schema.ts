import { LANGUAGE } from '../decode/language.js';
import { fieldOf, type Field, type FieldType, type ObjectSchema } from '../decode/schema.js';
import { API_VERSION, Kind } from '../label-names.js';
import type { JsonValue } from '../model/workflow.js';

type Schema = { [key: string]: JsonValue };

const SCALARS: Readonly<Record<string, Schema>> = {
  text: { type: 'string' },
  integer: { type: 'integer' },
  boolean: { type: 'boolean' },
  integerOrText: { type: ['integer', 'string'] },
  anyText: { type: ['string', 'number', 'boolean'] },
  time: { type: 'string', format: 'date-time' },
  anything: {},
  object: { type: 'object' },
};

/** YAML lets a field be empty; that is the field left out. */
const orNull = (schema: Schema): Schema => {
  if (schema['$ref'] !== undefined) return { anyOf: [schema, { type: 'null' }] };
  const { type } = schema;
  if (type === undefined || type === null) return schema;
  return { ...schema, type: Array.isArray(type) ? [...type, 'null'] : [type, 'null'] };
};

const schemaOfType = (type: FieldType): Schema => {
  switch (type.kind) {
    case 'list':
      return { type: 'array', items: schemaOfType(type.of) };
    case 'map':
      return { type: 'object', additionalProperties: orNull(schemaOfType(type.of)) };
    case 'ref':
      return { $ref: `#/$defs/${type.schema}` };
    default:
      return SCALARS[type.kind] ?? {};
  }
};

const NOTES: Readonly<Record<Field['support'], Schema>> = {
  runs: {},
  placed: { description: 'May have no effect without a cluster.' },
  later: { description: 'Not supported yet: refused by name.', deprecated: true },
};

const schemaOfField = (entry: FieldType | Field): Schema => {
  const { type, support } = fieldOf(entry);
  return { ...orNull(schemaOfType(type)), ...NOTES[support] };
};

const schemaOfObject = (fields: ObjectSchema): Schema => ({
  type: 'object',
  properties: Object.fromEntries(Object.entries(fields).map(([name, entry]) => [name, schemaOfField(entry)])),
  additionalProperties: false,
});

const schemaOfKind = (kind: string): Schema => {
  const { properties, ...rest } = schemaOfObject(LANGUAGE[kind] ?? {});
  return {
    ...rest,
    properties: { ...(properties as Schema), apiVersion: { const: API_VERSION }, kind: { const: kind } },
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
  };
};

/** Kinds that a file for an editor may hold. */
const KINDS: readonly string[] = Object.values(Kind).filter((kind) => Object.hasOwn(LANGUAGE, kind));

/**
 * A JSON schema (draft 2020-12) of everything that the decoder takes, for editors; made of the same table, so that the two cannot differ. It
 * says less than `argosy lint`: rules between fields are not in it.
 */
export const workflowJsonSchema = (): Schema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Argo Workflows objects, as Argosy takes them',
  type: 'object',
  required: ['kind'],
  properties: { kind: { enum: [...KINDS] } },
  allOf: KINDS.map((kind) => ({ if: { properties: { kind: { const: kind } } }, then: { $ref: `#/$defs/${kind}` } })),
  $defs: Object.fromEntries(
    Object.entries(LANGUAGE).map(([name, fields]) => [name, KINDS.includes(name) ? schemaOfKind(name) : schemaOfObject(fields)]),
  ),
});
