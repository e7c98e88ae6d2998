import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submitOptionsOf, workflowsOf } from './submit.js';

describe('what is submitted', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'argosy-submit-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('takes values of parameters from the flags first, then from the file, objects as JSON', async () => {
    const file = path.join(folder, 'values.yaml');
    await writeFile(file, 'a: 1\nb: text\nc: { d: [1] }\n');
    const options = await submitOptionsOf({ parameterFile: file, parameter: ['b=x=y'] });
    expect(options).toEqual({ parameters: ['a=1', 'c={"d":[1]}', 'b=x=y'] });
  });

  it('labels workflows with the instance', async () => {
    expect(await submitOptionsOf({ labels: 'a=b' }, 'blue')).toEqual({
      labels: 'a=b,workflows.argoproj.io/controller-instanceid=blue',
    });
  });

  it('says which scheduled time a run stands for', async () => {
    expect(await submitOptionsOf({ scheduledTime: '2026-01-02T03:04:05Z', annotations: 'a=b' })).toEqual({
      annotations: 'a=b,workflows.argoproj.io/scheduled-time=2026-01-02T03:04:05Z',
    });
    await expect(submitOptionsOf({ scheduledTime: 'noon' })).rejects.toThrow('--scheduled-time takes a time in RFC 3339 form');
  });

  it('leaves out fields that are not known where it is told not to be strict', async () => {
    const file = path.join(folder, 'unknown.yaml');
    await writeFile(file, 'kind: Workflow\nmetadata: { name: x }\nspec: { entrypoint: a, nonsense: 1 }\n');
    await expect(workflowsOf([file], {})).rejects.toThrow('spec.nonsense');
    expect((await workflowsOf([file], {}, 'drop'))[0]?.spec).toEqual({ entrypoint: 'a' });
  });

  it('refuses documents of other kinds and broken files by their name', async () => {
    const file = path.join(folder, 'other.yaml');
    await writeFile(file, 'kind: CronWorkflow\nmetadata: { name: x }\n');
    await expect(workflowsOf([file], {})).rejects.toThrow(
      `${file}: only objects of kind Workflow are submitted, this is CronWorkflow`,
    );
    await writeFile(file, 'a: [');
    await expect(workflowsOf([file], {})).rejects.toThrow(file);
    await expect(workflowsOf([path.join(folder, 'none.yaml')], {})).rejects.toThrow('none.yaml: no such file');
    await expect(submitOptionsOf({ priority: 'high' })).rejects.toThrow('--priority takes a whole number, not high');
  });
});
