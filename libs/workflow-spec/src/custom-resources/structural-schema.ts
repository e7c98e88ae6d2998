import { LANGUAGE } from '../decode/language.js';
import { fieldOf, type FieldType } from '../decode/schema.js';
import type { JsonValue } from '../model/workflow.js';
import { FIELD_DESCRIPTIONS } from './field-descriptions.js';

/** A part of a CustomResourceDefinition's schema. */
export interface StructuralSchema {
  [key: string]: JsonValue;
}

/** Whatever is below is kept as it is. */
export const OPEN_OBJECT: StructuralSchema = { type: 'object', nullable: true, 'x-kubernetes-preserve-unknown-fields': true };
const ANY_VALUE: StructuralSchema = { 'x-kubernetes-preserve-unknown-fields': true };

/** Templates within templates would never end, and drivers of artifacts in every place where an artifact may stand are most of the size. */
const OPEN_REFERENCES = /^(?:\w+Artifact|ExecutorPlugin|ArchiveLocation)$/;

const SCALARS: Readonly<Record<string, StructuralSchema>> = {
  text: { type: 'string', nullable: true },
  time: { type: 'string', nullable: true },
  integer: { type: 'integer', format: 'int64', nullable: true },
  boolean: { type: 'boolean', nullable: true },
  integerOrText: { 'x-kubernetes-int-or-string': true, nullable: true },
  anyText: ANY_VALUE,
  anything: ANY_VALUE,
  object: OPEN_OBJECT,
};

const schemaOfType = (type: FieldType, isInTemplate: boolean): StructuralSchema => {
  switch (type.kind) {
    case 'list':
      return { type: 'array', nullable: true, items: schemaOfType(type.of, isInTemplate) };
    case 'map':
      return { type: 'object', nullable: true, additionalProperties: schemaOfType(type.of, isInTemplate) };
    case 'ref':
      if ((type.schema === 'Template' && isInTemplate) || OPEN_REFERENCES.test(type.schema)) return OPEN_OBJECT;
      return structuralSchema(type.schema, isInTemplate || type.schema === 'Template');
    default:
      return SCALARS[type.kind] ?? ANY_VALUE;
  }
};

/**
 * The structural schema of one object of the language: every field with its type and, where its name does not say enough, a description. Fields of
 * newer versions of Argo are dropped by the API server, and refused by kubectl.
 */
export const structuralSchema = (name: string, isInTemplate = false): StructuralSchema => {
  const descriptions = FIELD_DESCRIPTIONS[name] ?? {};
  const properties: StructuralSchema = {};
  for (const [field, entry] of Object.entries(LANGUAGE[name] ?? {})) {
    const isDefaults = name === 'WorkflowSpec' && field === 'templateDefaults';
    const description = descriptions[field];
    properties[field] = {
      ...(description === undefined ? {} : { description }),
      ...(isDefaults ? OPEN_OBJECT : schemaOfType(fieldOf(entry).type, isInTemplate)),
    };
  }
  return Object.keys(properties).length === 0 ? OPEN_OBJECT : { type: 'object', nullable: true, properties };
};
