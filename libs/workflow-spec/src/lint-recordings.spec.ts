import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedFolder, sharedFolderHint } from '#libs/testing';
import {
  decodeClusterWorkflowTemplate,
  decodeCronWorkflow,
  decodeWorkflow,
  decodeWorkflowTemplate,
  parseManifests,
  templateKeyId,
  UserError,
  validateCronWorkflow,
  validateWorkflow,
  validateWorkflowTemplate,
  type JsonValue,
  type TemplateGetter,
  type WorkflowSpec,
} from './index.js';

const root = sharedFolder('conformance');
const title = root === undefined ? sharedFolderHint('conformance') : 'found';

interface KindObject {
  kind?: string;
  apiVersion?: string;
  metadata?: { name?: string; namespace?: string };
  spec?: WorkflowSpec;
}

const getterOf = (objects: readonly KindObject[]): TemplateGetter => {
  const specs = new Map<string, WorkflowSpec>();
  for (const object of objects) {
    const name = object.metadata?.name ?? '';
    if (object.kind === 'WorkflowTemplate') {
      specs.set(templateKeyId({ kind: 'workflowTemplate', namespace: '', name }), decodeWorkflowTemplate(object).object.spec);
    } else if (object.kind === 'ClusterWorkflowTemplate') {
      specs.set(templateKeyId({ kind: 'clusterWorkflowTemplate', name }), decodeClusterWorkflowTemplate(object).object.spec);
    }
  }
  return (key) => specs.get(templateKeyId(key.kind === 'workflowTemplate' ? { ...key, namespace: '' } : key)) ?? null;
};

/** Argo's verdict in our words: undefined where accepted. */
const verdict = (
  object: KindObject,
  templates: TemplateGetter,
  lint: boolean,
  unknownFields: 'drop' | 'refuse' = 'refuse',
): string | undefined => {
  try {
    if (object.kind === 'Workflow') validateWorkflow(decodeWorkflow(object, { unknownFields }).object, { templates, lint });
    else if (object.kind === 'WorkflowTemplate')
      validateWorkflowTemplate(decodeWorkflowTemplate(object).object, { templates, lint });
    else if (object.kind === 'ClusterWorkflowTemplate') {
      validateWorkflowTemplate(decodeClusterWorkflowTemplate(object).object, { templates, lint });
    } else if (object.kind === 'CronWorkflow') validateCronWorkflow(decodeCronWorkflow(object).object, { templates });
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
};

interface Recording {
  file: string;
  workflow: KindObject;
  others?: KindObject[];
  status?: { message?: string };
  refused?: string;
}

const readRecordings = (group: string): Recording[] =>
  readdirSync(join(root ?? '', group))
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ ...(JSON.parse(readFileSync(join(root ?? '', group, name), 'utf8')) as Recording), file: name }));

describe.skipIf(root === undefined)(`validation against recordings (${title})`, () => {
  it.each(['random', 'examples', 'e2e'])('gives the real engine’s verdict and message for every workflow of %s', (group) => {
    const failures: string[] = [];
    for (const { file, workflow, others = [], status, refused } of readRecordings(group)) {
      const expected = refused ?? /^invalid spec: ([\s\S]*)$/.exec(status?.message ?? '')?.[1];
      const actual = verdict(workflow, getterOf(others), false);
      if (actual !== expected) failures.push(`${file}: expected ${expected}, found ${actual}`);
    }
    expect(failures).toEqual([]);
  });
});

interface LintCase {
  id?: string;
  file?: string;
  yaml: string;
  ok: boolean;
  said: string;
}

const argoMessage = (said: string): string | undefined => /\(\w+\): (.*)/.exec(said)?.[1];

const lintVerdict = (text: string): string | undefined => {
  let objects: KindObject[];
  try {
    objects = parseManifests(text).map(({ value }) => value as KindObject & JsonValue);
  } catch (error) {
    return (error as Error).message;
  }
  const ours = objects.filter(({ kind }) =>
    ['Workflow', 'WorkflowTemplate', 'ClusterWorkflowTemplate', 'CronWorkflow'].includes(kind ?? ''),
  );
  if (ours.length === 0) return 'found nothing to lint';
  for (const object of ours) {
    try {
      const said = verdict(object, getterOf(ours), true);
      if (said !== undefined) return said;
    } catch (error) {
      return `bug: ${(error as Error).stack}`;
    }
  }
  return undefined;
};

const lintCases = (file: string): LintCase[] => JSON.parse(readFileSync(join(root ?? '', 'lint', file), 'utf8')) as LintCase[];

describe.skipIf(root === undefined)(`linting against the original linter (${title})`, () => {
  it.each(['broken.json', 'upstream.json'])('accepts and refuses what it does in %s', (file) => {
    const failures: string[] = [];
    const different: string[] = [];
    let sameMessage = 0;
    let refused = 0;
    for (const { id, file: name, yaml, ok, said } of lintCases(file)) {
      const actual = lintVerdict(yaml);
      if ((actual === undefined) !== ok) failures.push(`${id ?? name}: ${ok ? 'accepted' : said}, ours: ${actual ?? 'accepted'}`);
      const message = argoMessage(said);
      if (!ok && message !== undefined) {
        refused += 1;
        if (actual === message) sameMessage += 1;
        else different.push(`${id ?? name}: ${message} / ${actual}`);
      }
    }
    expect(failures).toEqual([]);
    // Our own words where a hint is added; everything else is Argo's message to the letter.
    expect(different.filter((line) => !line.includes('did you mean'))).toEqual([]);
    expect(sameMessage).toBeGreaterThanOrEqual(refused - 5);
  });
});

interface HttpExchange {
  title: string;
  request: { method: string; path: string; body?: { workflow?: KindObject; template?: KindObject; cronWorkflow?: KindObject } };
  response: { status: number; body?: { message?: string } };
}

/** Answers that are not about the object's validity. */
const OTHER_REASONS = /already exists|not found|cannot unmarshal|not specified|invalid character|resourceVersion/;

describe.skipIf(root === undefined)(`what the original server answers (${title})`, () => {
  it('is our verdict and message for every object that is created or linted', () => {
    const exchanges = JSON.parse(readFileSync(join(root ?? '', 'http', 'scenario.json'), 'utf8')) as HttpExchange[];
    const failures: string[] = [];
    let judged = 0;
    for (const { title: name, request, response } of exchanges) {
      const { workflow, template, cronWorkflow } = request.body ?? {};
      const kind = workflow ? 'Workflow' : template ? 'WorkflowTemplate' : 'CronWorkflow';
      const object = workflow ?? template ?? cronWorkflow;
      const expected = response.status === 200 ? undefined : response.body?.message;
      if (object === undefined || request.method === 'GET' || OTHER_REASONS.test(expected ?? '')) continue;
      judged += 1;
      const actual = verdict({ ...object, kind }, () => null, request.path.endsWith('/lint'), 'drop');
      if (actual !== expected) failures.push(`${name}: expected ${expected}, found ${actual}`);
    }
    expect(failures).toEqual([]);
    expect(judged).toBeGreaterThan(8);
  });
});
