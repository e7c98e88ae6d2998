import { expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { object, phase, pod, type ObjectsUnderTest } from './objects-under-test.js';

/** Objects of CronWorkflows, their runs, and those of other instances. */
export function scheduledObjectTests(objects: ObjectsUnderTest): void {
  const { kubectl, apply, read, until } = objects;

  it('makes an object for each run of a CronWorkflow', async () => {
    await apply({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'CronWorkflow',
      metadata: { name: 'often' },
      spec: {
        schedules: ['@every 1s'],
        concurrencyPolicy: 'Forbid',
        workflowSpec: { entrypoint: 'main', templates: [pod('main', 'result=x')] },
      },
    });
    const runs = async (): Promise<Workflow[]> =>
      (
        JSON.parse(await kubectl('get', 'wf', '-l', 'workflows.argoproj.io/cron-workflow=often', '-o', 'json')) as {
          items: Workflow[];
        }
      ).items;
    await eventually(async () => (await runs()).filter(phase('Succeeded')).length >= 2, 'two runs of the schedule');
    for (const { metadata } of await runs()) {
      expect(metadata.name).toMatch(/^often-\d{10}$/);
      expect(metadata.ownerReferences).toMatchObject([{ kind: 'CronWorkflow', name: 'often' }]);
    }
    await kubectl('delete', 'cwf', 'often');
    await eventually(async () => (await runs()).length === 0, 'its runs went with it');
  });

  it('makes no more runs of a CronWorkflow that is being deleted, and leaves those that are to stay', async () => {
    await apply({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'CronWorkflow',
      metadata: { name: 'going', finalizers: ['example.com/held'] },
      spec: { schedules: ['@every 1s'], workflowSpec: { entrypoint: 'main', templates: [pod('main', 'result=x')] } },
    });
    const runs = async (): Promise<string[]> =>
      (await kubectl('get', 'wf', '-l', 'workflows.argoproj.io/cron-workflow=going', '-o', 'name')).split('\n').filter(Boolean);
    await eventually(async () => (await runs()).length >= 2, 'two runs of the schedule');
    await kubectl('delete', 'cwf', 'going', '--cascade=orphan', '--wait=false');
    const key = { namespace: objects.namespace, name: 'going' };
    await eventually(async () => (await objects.stack.store.schedules.get(key)) === undefined, 'its schedule is forgotten');
    const made = await runs();
    await apply(object('meanwhile-going', { templates: [pod('main', 'ms=2000')] }));
    await until('meanwhile-going', phase('Succeeded'));
    expect(await runs()).toEqual(made);
    await kubectl('patch', 'cwf', 'going', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    await eventually(async () => !(await kubectl('get', 'cwf', '-o', 'name')).includes('going'), 'it is gone');
    await apply(object('after-going', { templates: [pod('main', 'result=x')] }));
    await until('after-going', phase('Succeeded'));
    expect(await runs()).toEqual(made);
  });

  it('leaves alone what belongs to another instance', async () => {
    const ofAnother = { 'workflows.argoproj.io/controller-instanceid': 'another' };
    const labelled = <T extends { metadata: object }>(manifest: T): T => ({
      ...manifest,
      metadata: { ...manifest.metadata, labels: ofAnother },
    });
    const main = { entrypoint: 'main', templates: [pod('main', 'result=x')] };
    await apply(labelled(object('of-another', main)));
    const schedule = (name: string) => ({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'CronWorkflow',
      metadata: { name },
      spec: { schedules: ['@every 1s'], concurrencyPolicy: 'Forbid', workflowSpec: main },
    });
    await apply(labelled(schedule('of-another')));
    await apply(schedule('ours'));
    const runsOf = async (name: string): Promise<string> =>
      kubectl('get', 'wf', '-l', `workflows.argoproj.io/cron-workflow=${name}`, '-o', 'name');
    await eventually(async () => (await runsOf('ours')).split('\n').length > 2, 'two runs of our own schedule');
    await kubectl('delete', 'cwf', 'ours');
    expect(await runsOf('of-another')).toBe('');
    const cron = JSON.parse(await kubectl('get', 'cwf', 'of-another', '-o', 'json')) as { status?: object };
    expect(cron.status).toBeUndefined();
    const left = await read('of-another');
    expect(left.status).toBeUndefined();
    expect(left.metadata.labels).toEqual(ofAnother);
    expect(left.metadata.annotations ?? {}).not.toHaveProperty(['argosy.dev/record-version']);
    expect(await objects.stack.store.workflows.getByName(objects.namespace, 'of-another')).toBeUndefined();
    await kubectl('delete', 'wf,cwf', 'of-another');
  });
}
