import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, kubernetesCluster, postgresTemplate, type TestCluster } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { startClusterStack } from './cluster-stack.js';
import { editedObjectTests } from './workflow-objects/edited-objects.js';
import { gate, object, ObjectsUnderTest, phase, pod } from './workflow-objects/objects-under-test.js';
import { scheduledObjectTests } from './workflow-objects/scheduled-objects.js';

const found = await kubernetesCluster({ nodes: false });

/** Rights for what is not played here: a status that is a subresource, the controller's ConfigMap, caches, credentials, the server's own routes for templates. */
const NOT_PLAYED =
  /^(?:pod-manager: .*|\S+: \S+ argoproj.io\/(?:cron)?workflows\/status|\S+: get \/(?:configmaps|secrets)|scheduler: (?:list|create|update) \/configmaps|scheduler: get argoproj.io\/(?:cluster)?workflowtemplates|scheduler: get coordination.k8s.io\/leases|scheduler: list \/namespaces|server: \S+ argoproj.io\/(?:\w*workflowtemplates|cronworkflows|workfloweventbindings)|server: \S+ \/configmaps)$/;

describe.skipIf('skipped' in found)(`workflows on a real API server ${'skipped' in found ? `(${found.skipped})` : ''}`, () => {
  const objects = new ObjectsUnderTest(found as TestCluster);
  const { kubectl, apply, read, until, resume } = objects;

  beforeAll(() => objects.start());
  afterAll(() => objects.close());

  it('runs what kubectl applies, and kubectl shows how it went', async () => {
    await apply(
      object('applied', {
        templates: [
          {
            name: 'main',
            steps: [
              [
                { name: 'a', template: 'say' },
                { name: 'b', template: 'say' },
              ],
            ],
          },
          pod('say', 'result=x'),
        ],
      }),
    );
    const ended = await until('applied', phase('Succeeded'));
    expect(ended.status).toMatchObject({
      progress: '2/2',
      conditions: expect.arrayContaining([{ type: 'Completed', status: 'True' }]) as unknown,
    });
    expect(Object.keys(ended.status?.nodes ?? {})).toHaveLength(4);
    expect(ended.metadata.labels).toMatchObject({
      'workflows.argoproj.io/phase': 'Succeeded',
      'workflows.argoproj.io/completed': 'true',
    });
    expect(ended.metadata.annotations?.['workflows.argoproj.io/pod-name-format']).toBe('v2');
    expect(await kubectl('get', 'wf', 'applied', '--no-headers')).toMatch(/^applied\s+Succeeded\s+2\/2\s/);
    const stored = await objects.stack.store.workflows.getByName(objects.namespace, 'applied');
    expect(stored?.uid).toBe(ended.metadata.uid);
    await until('applied', ({ metadata }) => metadata.labels?.['workflows.argoproj.io/workflow-archiving-status'] === 'Archived');
  });

  it('says in the object what is wrong with it', async () => {
    await apply(object('wrong', { entrypoint: 'nowhere', templates: [pod('say')] }));
    expect((await until('wrong', phase('Failed'))).status?.message).toMatch(/^invalid spec: .*nowhere/);
  });

  editedObjectTests(objects);

  it('lets no more workflows run in a namespace than its label says', async () => {
    const limit = (value: string) =>
      objects.cluster.kubectl([
        'label',
        '--overwrite',
        'namespace',
        objects.namespace,
        `workflows.argoproj.io/parallelism-limit${value}`,
      ]);
    await limit('=1');
    try {
      let [waiter, count] = ['', 0];
      await eventually(async () => {
        // What begins before the label is read is not held back.
        waiter = `limited-${(count += 1)}`;
        await apply(gate(waiter));
        return (await until(waiter, ({ status }) => status?.phase !== undefined)).status?.phase === 'Pending';
      }, 'one has to wait');
      expect((await read(waiter)).status?.message).toMatch(/^Workflow processing has been postponed because too many workflows/);
      await limit('-');
      await until(waiter, phase('Running'));
    } finally {
      await limit('-');
    }
  });

  it('keeps a disruption budget as long as a workflow runs', async () => {
    const { spec, ...rest } = gate('guarded');
    await apply({ ...rest, spec: { ...spec, podDisruptionBudget: { minAvailable: 9999 } } });
    const budgets = async () => (await kubectl('get', 'pdb', '-o', 'name')).trim();
    await eventually(async () => (await budgets()) === 'poddisruptionbudget.policy/guarded', 'the budget is there');
    await resume('guarded');
    await until('guarded', phase('Succeeded'));
    await eventually(async () => (await budgets()) === '', 'the budget is gone');
  });

  it('shows in the object what was asked through the API', async () => {
    const post = async (): Promise<Workflow> => {
      const answer = await fetch(`${objects.stack.url}/api/v1/workflows/${objects.namespace}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'the-same-request' },
        body: JSON.stringify({ workflow: { ...gate(''), metadata: { generateName: 'posted-' } } }),
      });
      return (await answer.json()) as Workflow;
    };
    const { metadata } = await post();
    expect(metadata).toMatchObject({ name: expect.stringMatching(/^posted-/) as unknown, namespace: objects.namespace });
    expect((await post()).metadata.uid).toBe(metadata.uid);
    const name = metadata.name ?? '';
    expect((await until(name, phase('Running'))).metadata.uid).toBe(metadata.uid);
    await fetch(`${objects.stack.url}/api/v1/workflows/${objects.namespace}/${name}/stop`, { method: 'PUT' });
    const stopped = await until(name, phase('Failed'));
    expect(stopped.spec.shutdown).toBe('Stop');
  });

  it('forgets a workflow whose object is deleted, and deletes the object of one that is deleted through the API', async () => {
    await apply(gate('deleted'));
    await until('deleted', phase('Running'));
    await kubectl('delete', 'wf', 'deleted');
    await eventually(
      async () => (await objects.stack.store.workflows.getByName(objects.namespace, 'deleted')) === undefined,
      'its rows are gone',
    );

    await apply(gate('withdrawn'));
    await until('withdrawn', phase('Running'));
    await fetch(`${objects.stack.url}/api/v1/workflows/${objects.namespace}/withdrawn`, { method: 'DELETE' });
    await eventually(
      async () => (await kubectl('get', 'wf', '--no-headers', '--ignore-not-found', 'withdrawn')) === '',
      'the object is gone',
    );
    // A new one under the name of one that was just deleted is another workflow.
    await apply(gate('withdrawn'));
    await until('withdrawn', phase('Running'));
  });

  it('lets go of an object that Argo has given a finalizer', async () => {
    const { metadata, ...rest } = gate('held');
    await apply({ ...rest, metadata: { ...metadata, finalizers: ['workflows.argoproj.io/artifact-gc'] } });
    await until('held', phase('Running'));
    await kubectl('delete', 'wf', 'held', '--timeout=30s');
  });

  it('tells as events what happens', async () => {
    await apply(
      object('told', { templates: [{ name: 'main', steps: [[{ name: 'a', template: 'bad' }]] }, pod('bad', 'exit=1')] }),
    );
    await until('told', phase('Failed'));
    const told = (): Promise<string> =>
      kubectl(
        'get',
        'events',
        '--field-selector=involvedObject.name=told',
        '-o',
        'jsonpath={range .items[*]}{.reason} {.message}{"\\n"}{end}',
      );
    await eventually(async () => (await told()).includes('WorkflowFailed'), 'its end is told');
    const lines = (await told()).trim().split('\n');
    expect(lines).toContain('WorkflowRunning Workflow Running');
    expect(lines.filter((line) => /^WorkflowNodeFailed Failed node told\[0\]\.a: .*exit code 1/.test(line))).toHaveLength(1);

    const stop = new AbortController();
    const stream = await fetch(`${objects.stack.url}/api/v1/stream/events/${objects.namespace}`, { signal: stop.signal });
    const text = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await text?.read())?.value).toContain('"reason":"Workflow');
    stop.abort();
  });

  scheduledObjectTests(objects);

  it.each(['background', 'foreground', 'orphan'])(
    'ends a running workflow that is deleted with --cascade=%s',
    async (cascade) => {
      const name = `cascade-${cascade}`;
      await apply(gate(name));
      const { uid = '' } = (await until(name, phase('Running'))).metadata;
      await kubectl('delete', 'wf', name, `--cascade=${cascade}`, '--timeout=30s');
      await eventually(async () => (await objects.stack.store.workflows.getByUid(uid)) === undefined, 'its rows are gone');
    },
  );

  it('says where two installations run the same workflows', async () => {
    const otherDatabase = await postgresTemplate();
    const other = await startClusterStack(objects.accounts, objects.namespace, otherDatabase);
    try {
      await apply(gate('shared'));
      const { uid = '' } = (await until('shared', phase('Running'))).metadata;
      const both = [objects.stack, other];
      const haveRows = async (): Promise<boolean> =>
        (await Promise.all(both.map(({ store }) => store.workflows.getByUid(uid)))).every((row) => row !== undefined);
      await eventually(haveRows, 'both have taken it in');
      const told = () =>
        kubectl('get', 'events', '--field-selector=involvedObject.name=shared,reason=WorkflowRunTwice', '-o', 'name');
      for (const { url } of both) await fetch(`${url}/api/v1/workflows/${objects.namespace}/shared/resume`, { method: 'PUT' });
      await eventually(async () => (await told()).trim().split('\n').join() !== '', 'it is told');
    } finally {
      await other.close();
      await otherDatabase.drop();
    }
  });

  it('finds after a restart what was deleted and what was made meanwhile, and takes nothing in twice', async () => {
    await apply(gate('missed'));
    const { uid = '' } = (await until('missed', phase('Running'))).metadata;
    await objects.stack.close();
    await kubectl('delete', 'wf', 'missed');
    await apply(object('meanwhile', { templates: [pod('main', 'result=x')] }));
    await objects.startStack();
    await until('meanwhile', phase('Succeeded'));
    await eventually(async () => (await objects.stack.store.workflows.getByUid(uid)) === undefined, 'its rows are gone');
  });

  it('needs no more rights than the roles give, and the roles give no more', () => {
    const { accounts } = objects;
    for (const service of accounts.services) {
      const [used, granted] = [accounts.used(service), accounts.granted(service)];
      expect(
        [...used].filter((right) => !granted.has(right)),
        `${service} asks for`,
      ).toEqual([]);
      const unused = [...granted].filter((right) => !used.has(right) && !NOT_PLAYED.test(`${service}: ${right}`));
      expect(unused, `${service} has for nothing`).toEqual([]);
    }
  });
});
