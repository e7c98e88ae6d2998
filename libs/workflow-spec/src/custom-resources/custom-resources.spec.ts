import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../model/workflow.js';
import { customResourceDefinitions } from './custom-resources.js';

interface Node {
  [key: string]: JsonValue;
}
const definitions = customResourceDefinitions();
const schemaOf = (kind: string): Node => {
  const spec = definitions.find(({ spec: { names } }) => (names as Node)['kind'] === kind)?.spec;
  return ((spec?.['versions'] as Node[])[0]?.['schema'] as Node)['openAPIV3Schema'] as Node;
};
const at = (node: Node, ...path: string[]): Node => path.reduce((below, name) => below[name] as Node, node);

/** What the API server asks of every node of a structural schema, as far as it can be seen from here. */
const problems = (node: Node, path: string): string[] => {
  const isTyped = 'type' in node || 'x-kubernetes-int-or-string' in node || 'x-kubernetes-preserve-unknown-fields' in node;
  return [
    ...(isTyped ? [] : [`${path} has no type`]),
    ...Object.entries((node['properties'] ?? {}) as Node).flatMap(([name, below]) => problems(below as Node, `${path}.${name}`)),
    ...['items', 'additionalProperties'].flatMap((name) => (name in node ? problems(node[name] as Node, `${path}.${name}`) : [])),
  ];
};

describe('the definitions of our kinds', () => {
  it('are structural, and small enough for `kubectl apply`', () => {
    for (const definition of definitions) {
      const kind = (definition.spec['names'] as Node)['kind'] as string;
      expect(problems(schemaOf(kind), kind)).toEqual([]);
      // What kubectl apply remembers in an annotation may be as large.
      expect(JSON.stringify(definition).length, kind).toBeLessThan(262_144);
    }
  });

  it('take numbers for texts of parameters, and templates within steps as they are', () => {
    const template = at(schemaOf('Workflow'), 'properties', 'spec', 'properties', 'templates', 'items', 'properties');
    const value = at(template, 'inputs', 'properties', 'parameters', 'items', 'properties', 'value');
    expect(value).toMatchObject({ 'x-kubernetes-preserve-unknown-fields': true });
    expect('type' in value).toBe(false);
    const step = at(template, 'steps', 'items', 'items', 'properties');
    expect(step['inline']).toMatchObject({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
    expect(at(step, 'when')['description']).toContain('Runs only where');
  });
});
