import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder, sharedFolderHint } from '#libs/testing';
import type { LintFinding } from './finding.js';
import { readLintFiles } from './lint-files.js';
import { lintText } from './lint-formats.js';
import { lintFiles } from './lint.js';
import { checkOffline, templatesOf } from './offline-lint.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'argosy-lint-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lint = async (...texts: string[]): Promise<LintFinding[]> => {
  const names = texts.map((_text, at) => path.join(folder, `file${at}.yaml`));
  await Promise.all(texts.map((text, at) => writeFile(names[at] ?? '', text)));
  const files = await readLintFiles(names);
  const templates = templatesOf(files.flatMap(({ documents }) => documents));
  const { findings } = await lintFiles(files, {
    templates,
    refusalOf: (document) => {
      checkOffline(document, templates, {});
      return undefined;
    },
  });
  return findings.map((finding) => ({ ...finding, file: path.basename(finding.file) }));
};

const WORKFLOW = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  arguments:
    parameters:
      - {name: read, value: x}
      - {name: never, value: y}
  templates:
    - name: main
      steps:
        - - name: a
            template: leaf
            when: "{{workflow.parameters.read}} == x"
            arguments: {parameters: [{name: p, value: "1"}, {name: q, value: "2"}]}
        - - name: b
            template: leaf
            when: "{{workflow.parameters.read}} === (x"
            arguments: {parameters: [{name: p, value: "1"}]}
    - name: leaf
      inputs: {parameters: [{name: p}]}
      container: {image: busybox}
`;

describe('lint', () => {
  it('gives every finding its file, place, rule and message', async () => {
    const [finding, ...others] = await lint(WORKFLOW.replace('template: leaf', 'template: nowhere'));
    expect(finding).toEqual({
      file: 'file0.yaml',
      line: 14,
      column: 13,
      object: 'hello-',
      kind: 'Workflow',
      rule: 'unknown-template',
      severity: 'error',
      message: "templates.main.steps[0].a template name 'nowhere' undefined",
    });
    expect(others.map(({ severity }) => severity)).not.toContain('error');
  });

  it('advises on arguments that nobody takes or reads, and on conditions that can never be read', async () => {
    const found = await lint(WORKFLOW);
    expect(found.map(({ rule, severity, line }) => [rule, severity, line])).toEqual([
      ['argument-unknown', 'warning', 16],
      ['argument-unused', 'warning', 9],
      ['when-unreadable', 'warning', 19],
    ]);
  });

  it('finds templates of other files in any order, and their inputs', async () => {
    const caller = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: caller}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - name: a
            templateRef: {name: library, template: leaf}
            arguments: {parameters: [{name: p, value: "1"}, {name: pp, value: "2"}]}
`;
    const library = `apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: library}
spec:
  templates:
    - name: leaf
      inputs: {parameters: [{name: p}]}
      container: {image: busybox}
`;
    expect((await lint(caller, library)).map(({ message }) => message)).toEqual([
      "templates.main.steps[0].a passes parameter 'pp', which template 'leaf' does not have",
    ]);
    expect(await lint(library)).toEqual([]);
  });

  it('names the place of what is no YAML, and goes on with the other files', async () => {
    const found = await lint('a: [1\nb: 2', WORKFLOW.replace('entrypoint: main', 'entrypoint: nowhere'));
    expect(found[0]).toMatchObject({ file: 'file0.yaml', rule: 'unreadable', line: 2, severity: 'error' });
    expect(found[1]).toMatchObject({ file: 'file1.yaml', line: 5, rule: 'unknown-template' });
  });

  it('is written as people, editors and code hosts read it', async () => {
    const findings = (await lint(WORKFLOW.replace('entrypoint: main', 'entrypoint: nowhere'))).filter(
      ({ severity }) => severity === 'error',
    );
    const line = `in "hello-" (Workflow): template name 'nowhere' undefined`;
    expect(lintText(findings, 'simple')).toBe(`file0.yaml: ${line}`);
    expect(lintText(findings, 'pretty')).toBe(`file0.yaml:\n   ✖ ${line} [5:3 unknown-template]\n\n✖ 1 linting errors found!`);
    expect(JSON.parse(lintText(findings, 'json'))).toEqual(findings);
    const sarif = JSON.parse(lintText(findings, 'sarif')) as { version: string; runs: { results: unknown[] }[] };
    expect(sarif.version).toBe('2.1.0');
    expect(sarif.runs[0]?.results).toEqual([
      {
        ruleId: 'unknown-template',
        level: 'error',
        message: { text: line },
        locations: [{ physicalLocation: { artifactLocation: { uri: 'file0.yaml' }, region: { startLine: 5, startColumn: 3 } } }],
      },
    ]);
    expect(lintText([], 'pretty')).toBe('✔ no linting errors found!');
  });
});

interface RecordedLint {
  id: string;
  yaml: string;
  ok: boolean;
  said: string;
}

const recordings = sharedFolder('conformance', 'lint');

describe.skipIf(recordings === undefined)(
  recordings === undefined ? sharedFolderHint('conformance', 'lint') : 'recorded lint answers',
  () => {
    it('are the same texts, and every refusal has a place', { timeout: 60_000 }, async () => {
      const recorded = JSON.parse(await readFile(path.join(recordings ?? '', 'broken.json'), 'utf8')) as RecordedLint[];
      const different: unknown[] = [];
      let placed = 0;
      let refused = 0;
      for (const { id, yaml, ok, said } of recorded) {
        const errors = (await lint(yaml)).filter(({ severity }) => severity === 'error');
        // Refused for a field that does not run yet, before Argo's own rules are asked.
        if (errors.some(({ rule }) => rule === 'not-supported')) continue;
        const text = lintText(errors, 'simple').replace('file0.yaml', 'FILE');
        // What Go's decoder refuses by the types of its structs is refused in words of our own.
        const isSame = said.startsWith('Error: failed to parse') ? errors.length > 0 : ok ? text === '' : text === said;
        if (!isSame) different.push({ id, text, said });
        refused += ok ? 0 : 1;
        placed += errors.some(({ line }) => line !== undefined) ? 1 : 0;
      }
      expect(different).toEqual([]);
      expect(placed).toBe(refused);
    });
  },
);
