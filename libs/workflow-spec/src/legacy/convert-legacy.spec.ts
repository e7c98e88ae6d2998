import { describe, expect, it } from 'vitest';
import { decodeCronWorkflow, decodeWorkflow } from '../decode/decode-objects.js';
import { convertLegacy } from './convert-legacy.js';

const leaf = { name: 'main', container: { image: 'busybox' } };

describe('old fields', () => {
  it('of a CronWorkflow and of its workflow become the new ones', () => {
    const cron = {
      kind: 'CronWorkflow',
      metadata: { name: 'old' },
      spec: {
        schedule: '0 0 * * *',
        schedules: ['0 12 * * *'],
        workflowSpec: { entrypoint: 'main', podPriority: 5, templates: [leaf] },
      },
    };
    const { value, changes } = convertLegacy(cron);
    expect(value).toEqual({
      ...cron,
      spec: { schedules: ['0 0 * * *', '0 12 * * *'], workflowSpec: { entrypoint: 'main', templates: [leaf] } },
    });
    expect(changes).toEqual([
      'spec.schedule is now spec.schedules',
      'spec.workflowSpec.podPriority is gone: name a class of priorities in podPriorityClassName',
    ]);
  });

  it('are found in the spec, its defaults, its templates and inline templates', () => {
    const locked = { synchronization: { mutex: { name: 'm' }, semaphore: { configMapKeyRef: { name: 'c', key: 'k' } } } };
    const inline = { ...locked, container: { image: 'busybox' } };
    const { value, changes } = convertLegacy({
      kind: 'Workflow',
      spec: {
        ...locked,
        templateDefaults: locked,
        templates: [
          { name: 'a', steps: [[{ name: 's', inline }]] },
          { name: 'b', dag: { tasks: [{ name: 't', inline }] } },
        ],
      },
    });
    expect(JSON.stringify(value)).not.toMatch(/"mutex"|"semaphore"/);
    expect(changes).toHaveLength(8);
    expect(changes).toContain(
      'spec.templates[1].dag.tasks[0].inline.synchronization.mutex is now spec.templates[1].dag.tasks[0].inline.synchronization.mutexes',
    );
  });

  it('are nothing in an object that is new, or no object at all', () => {
    const workflow = { kind: 'Workflow', spec: { entrypoint: 'main', templates: [leaf], unknown: { mutex: 1 } } };
    expect(convertLegacy(workflow)).toEqual({ value: workflow, changes: [] });
    expect(convertLegacy(['x'])).toEqual({ value: ['x'], changes: [] });
  });

  it('are taken with a warning where asked for, and refused by a strict reader, as Argo’s linter does', () => {
    const cron = { kind: 'CronWorkflow', metadata: { name: 'old' }, spec: { schedule: '* * * * *', workflowSpec: {} } };
    const decoded = decodeCronWorkflow(cron, { unknownFields: 'drop' });
    expect(decoded.object.spec.schedules).toEqual(['* * * * *']);
    expect(decoded.warnings).toEqual(['spec.schedule is now spec.schedules']);
    expect(() => decodeCronWorkflow(cron)).toThrow('unknown field "spec.schedule"');
    const workflow = { spec: { synchronization: { mutex: { name: 'm' } } } };
    expect(decodeWorkflow(workflow, { legacy: 'convert' }).warnings.join()).toContain('is now spec.synchronization.mutexes');
  });
});
