import { describe, expect, it } from 'vitest';
import { DecodeError, NotSupportedError } from '../errors.js';
import { parseManifests } from '../manifests/parse-manifests.js';
import { assertSupported, decodeCronWorkflow, decodeWorkflow } from './decode-objects.js';

const workflow = (yaml: string) =>
  decodeWorkflow(parseManifests(`kind: Workflow\nmetadata: {name: w}\nspec:\n${yaml}`)[0]?.value);
const refusal = (yaml: string): string => {
  try {
    workflow(yaml);
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('decodeWorkflow', () => {
  it('gives AnyStrings as text, drops nulls, and keeps Kubernetes’ own objects as written', () => {
    const { object } = workflow(`
  arguments:
    parameters: [{name: a, value: 1e6}, {name: b, value: true}, {name: s, value: "01"}, {name: o, value: {a: 1}}]
  onExit: null
  affinity: {nodeAffinity: {weird: [1, null]}}
  templates:
  - name: main
    container: {image: sim, command: [sim], args: [x], resources: {limits: {cpu: 1}}}`);
    expect(object.spec.arguments?.parameters).toEqual([
      { name: 'a', value: '1000000' },
      { name: 'b', value: 'true' },
      { name: 's', value: '01' },
      { name: 'o', value: '' },
    ]);
    expect(object.spec).not.toHaveProperty('onExit');
    expect(object.spec['affinity']).toEqual({ nodeAffinity: { weird: [1, null] } });
    expect(object.spec.templates?.[0]?.container?.resources).toEqual({ limits: { cpu: 1 } });
  });

  it('names an unknown field by its path, and the nearest known one', () => {
    expect(refusal('  templates:\n  - name: main\n    contaner: {}')).toBe(
      'strict decoding error: unknown field "spec.templates[0].contaner" (did you mean "container"?)',
    );
    expect(refusal('  entrypoint: main\n  zzz: 1')).toBe('strict decoding error: unknown field "spec.zzz"');
  });

  it('drops unknown fields where asked to, as Argo’s server does', () => {
    const { object } = decodeWorkflow({ kind: 'Workflow', spec: { entrypoint: 'main', bogus: 1 } }, { unknownFields: 'drop' });
    expect(object.spec).toEqual({ entrypoint: 'main' });
  });

  it('says path and rule for a value of a wrong type', () => {
    expect(refusal('  parallelism: lots')).toBe('spec.parallelism: must be a whole number, found a string');
    expect(refusal('  templates: {}')).toBe('spec.templates: must be a list, found an object');
    expect(refusal('  templates: [{name: 5}]')).toBe('spec.templates[0].name: must be a string, found a number');
    expect(refusal('  templates: [{name: a, container: {image: x, command: sh}}]')).toBe(
      'spec.templates[0].container.command: must be a list, found a string',
    );
    expect(() => decodeWorkflow('text')).toThrow('the object: must be an object, found a string');
    expect(() => decodeWorkflow({ kind: 'Pod', apiVersion: 'v1' })).toThrow(/kind: must be Workflow.*apiVersion: must be/);
  });

  it('refuses by name what does not run yet, and accepts with a warning what only places a pod', () => {
    const decoded = workflow(`
  nodeSelector: {disk: ssd}
  templates:
  - {name: main, suspend: {}, tolerations: []}
  - {name: two, outputs: {parameters: [{name: a, valueFrom: {event: payload.a}}]}}`);
    expect(decoded.unsupported).toEqual(['template two: field outputs.parameters[0].valueFrom.event is not supported yet']);
    expect(decoded.warnings).toEqual([
      'spec: field nodeSelector may have no effect on this runtime',
      'template main: field tolerations may have no effect on this runtime',
    ]);
    expect(() => assertSupported(decoded)).toThrow(NotSupportedError);
  });

  it('stays small and quick in the face of thousands of mistakes and of depth', () => {
    const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`x${index}`, index]));
    expect(() => decodeWorkflow({ spec: many })).toThrow(DecodeError);
    try {
      decodeWorkflow({ spec: many });
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(5000);
    }
    let deep: unknown = 1;
    for (let level = 0; level < 500; level += 1) deep = { a: deep };
    expect(() => decodeWorkflow({ spec: { affinity: deep } })).toThrow(/nested deeper than 200 levels/);
  });

  it('does not take prototype keys for fields', () => {
    expect(() => decodeWorkflow(JSON.parse('{"spec":{"__proto__":{"entrypoint":"x"}}}'))).toThrow(
      /unknown field "spec.__proto__"/,
    );
    expect(() => decodeWorkflow({ spec: { constructor: 1, toString: 2 } })).toThrow(/"spec.constructor".*"spec.toString"/);
    expect(() => decodeWorkflow(JSON.parse('{"metadata":{"labels":{"__proto__":"x"}}}'))).toThrow(/metadata.labels.__proto__/);
  });
});

describe('decodeCronWorkflow', () => {
  it('names the workflow’s fields below spec', () => {
    const decoded = decodeCronWorkflow({
      kind: 'CronWorkflow',
      metadata: { name: 'c' },
      spec: { schedules: ['* * * * *'], workflowSpec: { podDisruptionBudget: {} } },
    });
    expect(decoded.warnings).toEqual(['spec: field podDisruptionBudget may have no effect on this runtime']);
    expect(() => decodeCronWorkflow({ spec: { schedule: '* * * * *' } })).toThrow(
      'unknown field "spec.schedule" (did you mean "schedules"?)',
    );
  });
});
