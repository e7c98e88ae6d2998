import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCronWorkflow,
  decodeWorkflow,
  parseManifests,
  UserError,
  validateCronWorkflow,
  validateWorkflow,
  type JsonValue,
} from './index.js';

const BASE = `
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w, labels: {a: b}}
spec:
  entrypoint: main
  onExit: leaf
  arguments: {parameters: [{name: p, value: x, enum: [x, z]}], artifacts: [{name: a, raw: {data: d}}]}
  retryStrategy: {limit: 1, backoff: {duration: 1s, factor: 2}}
  templates:
  - name: main
    steps:
    - - {name: one, template: dag, arguments: {parameters: [{name: q, value: "{{workflow.parameters.p}}"}]}, withItems: [1, {k: v}, [x]]}
      - {name: two, template: leaf, when: "{{steps.one.status}} == x", continueOn: {failed: true}, withSequence: {count: 3}}
    outputs: {parameters: [{name: o, valueFrom: {parameter: "{{steps.one.outputs.parameters.o}}", default: d}}]}
  - name: dag
    inputs: {parameters: [{name: q}]}
    dag:
      target: b
      tasks:
      - {name: a, template: leaf, withParam: "[1]"}
      - {name: b, template: leaf, depends: a.AnySucceeded && !a.Failed, hooks: {exit: {template: leaf}}}
      - {name: c, templateRef: {name: lib, template: x}, dependencies: []}
  - name: leaf
    inputs: {artifacts: [{name: in, path: /tmp/in, raw: {data: x}}]}
    container: {image: sim, command: [sim], args: ["{{inputs.artifacts.in.path}}"], volumeMounts: [{name: v, mountPath: /v}]}
    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}, globalName: g}], artifacts: [{name: out, path: /tmp/out}]}
  - {name: set, containerSet: {containers: [{name: main, dependencies: []}]}}
  - {name: res, resource: {action: create, manifest: "a: 1"}}
  - {name: wait, suspend: {duration: 5}, metrics: {prometheus: [{name: m, help: h, labels: [{key: k}]}]}}
`;
const base = parseManifests(BASE.replace('duration: 5', 'duration: "5"'))[0]?.value ?? null;

type Path = (string | number)[];
const paths = (value: JsonValue, path: Path = []): Path[] =>
  value !== null && typeof value === 'object'
    ? [
        path,
        ...Object.entries(value).flatMap(([key, member]) => paths(member, [...path, Array.isArray(value) ? Number(key) : key])),
      ]
    : [path];

const replaced = (value: JsonValue, [step, ...rest]: Path, replacement: JsonValue | undefined): JsonValue | undefined => {
  if (step === undefined) return replacement;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value))
    return value.flatMap((item, index) => (index === step ? [replaced(item, rest, replacement) ?? null] : [item]));
  const entries = Object.entries(value as Record<string, JsonValue>).flatMap(([key, member]) => {
    const result = key === step ? replaced(member, rest, replacement) : member;
    return result === undefined ? [] : [[key, result] as const];
  });
  return Object.fromEntries(entries);
};

const strange = fc.oneof(
  fc.constant(undefined),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>,
  fc.constantFrom<JsonValue>(
    '',
    ' ',
    '{{',
    '}}',
    '{{x',
    '{{{{',
    '{{=',
    '{{inputs.parameters.{{x}}}}',
    '../..',
    'a b',
    '-',
    '0',
    {},
    [],
    [{}],
    [[]],
    -1,
    1e300,
  ),
);
const mutation = fc.record({ path: fc.constantFrom(...paths(base)), value: strange });

/** Everything but a UserError is a bug. */
const judge = (run: () => unknown): void => {
  try {
    run();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.message).not.toMatch(/\bundefined\b(?!$)|\[object Object\]/);
  }
};

describe('a workflow with anything anywhere', () => {
  it('is accepted or refused by a UserError, and never falls over', () => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const mutated = mutations.reduce<JsonValue>(
          (value, { path, value: replacement }) => replaced(value, path, replacement) ?? null,
          base,
        );
        judge(() => validateWorkflow(decodeWorkflow(mutated).object));
        const workflowSpec = (mutated as { spec?: JsonValue } | null)?.spec ?? null;
        judge(() => validateCronWorkflow(decodeCronWorkflow({ spec: { schedules: ['@daily'], workflowSpec } }).object));
      }),
      { numRuns: 1000 },
    );
  });

  it('is read from any text, or refused by a UserError', () => {
    const characters = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '-',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '&a',
      '*a',
      '|',
      '>',
      '#',
      '!',
      '%',
      '?',
      '\t',
      '<<',
      '0',
      '~',
    );
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 60 }), (text) => judge(() => parseManifests(text))),
      { numRuns: 1000 },
    );
  });
});
