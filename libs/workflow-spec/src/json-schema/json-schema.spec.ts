import { describe, expect, it } from 'vitest';
import { LANGUAGE } from '../decode/language.js';
import type { JsonValue } from '../model/workflow.js';
import { workflowJsonSchema } from './json-schema.js';

const schema = workflowJsonSchema();
const definitions = schema['$defs'] as { [name: string]: { [key: string]: JsonValue } };

/** Every `$ref` below a value. */
const referencesIn = (value: JsonValue): string[] => {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => (key === '$ref' ? [member as string] : referencesIn(member)));
};

describe('the JSON schema', () => {
  it('has every object of the language, and refers to nothing else', () => {
    expect(Object.keys(definitions)).toEqual(Object.keys(LANGUAGE));
    const named = new Set(referencesIn(schema).map((reference) => reference.replace('#/$defs/', '')));
    expect([...named].filter((name) => !(name in definitions))).toEqual([]);
  });

  it('knows the fields of a template, says what may be empty and refuses what it does not know', () => {
    const template = definitions['Template'] as { properties: { [name: string]: JsonValue }; additionalProperties: boolean };
    expect(template.additionalProperties).toBe(false);
    expect(template.properties['name']).toEqual({ type: ['string', 'null'] });
    expect(template.properties['container']).toEqual({ anyOf: [{ $ref: '#/$defs/Container' }, { type: 'null' }] });
  });

  it('chooses by the kind', () => {
    expect(schema['allOf']).toContainEqual({
      if: { properties: { kind: { const: 'CronWorkflow' } } },
      then: { $ref: '#/$defs/CronWorkflow' },
    });
    expect(definitions['Workflow']?.['required']).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
  });
});
