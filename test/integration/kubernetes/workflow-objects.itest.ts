import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  applyCustomResources,
  eventually,
  kubernetesCluster,
  postgresTemplate,
  type TestCluster,
  type TestDatabase,
} from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { makeServiceAccounts, type ServiceAccounts } from './service-accounts.js';
import { type ClusterStack, startClusterStack } from './cluster-stack.js';

const found = await kubernetesCluster({ nodes: false });

/** Rights for what is not played here: a status that is a subresource, the controller's ConfigMap, caches, credentials, the server's own routes for templates. */
const NOT_PLAYED =
  /^(?:pod-manager: .*|\S+: \S+ argoproj.io\/(?:cron)?workflows\/status|\S+: get \/(?:configmaps|secrets)|scheduler: (?:list|create|update) \/configmaps|scheduler: get argoproj.io\/(?:cluster)?workflowtemplates|scheduler: get coordination.k8s.io\/leases|scheduler: list \/namespaces|server: \S+ argoproj.io\/(?:\w*workflowtemplates|cronworkflows|workfloweventbindings)|server: \S+ \/configmaps)$/;

const pod = (name: string, ...args: string[]) => ({ name, container: { image: 'sim', command: ['sim'], args } });
const object = (name: string, spec: object) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name },
  spec: { entrypoint: 'main', ...spec },
});
const gate = (name: string) =>
  object(name, {
    templates: [
      { name: 'main', steps: [[{ name: 'gate', template: 'gate' }], [{ name: 'after', template: 'say' }]] },
      { name: 'gate', suspend: {} },
      pod('say', 'result=x'),
    ],
  });

describe.skipIf('skipped' in found)(`workflows on a real API server ${'skipped' in found ? `(${found.skipped})` : ''}`, () => {
  const cluster = found as TestCluster;
  let namespace = '';
  let database: TestDatabase;
  let accounts: ServiceAccounts;
  let stack: ClusterStack;

  const kubectl = (...args: string[]) => cluster.kubectl(['-n', namespace, ...args]);
  const apply = (manifest: object) => cluster.kubectl(['-n', namespace, 'apply', '-f', '-'], JSON.stringify(manifest));
  const read = async (name: string) => JSON.parse(await kubectl('get', 'wf', name, '-o', 'json')) as Workflow;
  const until = async (name: string, condition: (workflow: Workflow) => boolean): Promise<Workflow> => {
    let last: Workflow | undefined;
    await eventually(
      async () => {
        last = await read(name);
        return condition(last);
      },
      () => `${name}: ${JSON.stringify(last?.status)?.slice(0, 1000)}`,
    );
    return last as Workflow;
  };
  const listed = async (selector: string): Promise<string[]> => {
    const query = new URLSearchParams({ 'listOptions.labelSelector': selector });
    const answer = await fetch(`${stack.url}/api/v1/workflows/${namespace}?${query.toString()}`);
    return (((await answer.json()) as { items: Workflow[] | null }).items ?? []).map((item) => item.metadata.name ?? '');
  };
  const phase = (wanted: string) => (workflow: Workflow) => workflow.status?.phase === wanted;

  beforeAll(async () => {
    await applyCustomResources(cluster);
    namespace = await cluster.createNamespace('stack');
    database = await postgresTemplate();
    accounts = await makeServiceAccounts(cluster, namespace);
    stack = await startClusterStack(accounts, namespace, database);
  });
  afterAll(async () => {
    await stack.close();
    await accounts.close();
    await database.drop();
    await cluster.release();
  });

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
    const stored = await stack.store.workflows.getByName(namespace, 'applied');
    expect(stored?.uid).toBe(ended.metadata.uid);
    await until('applied', ({ metadata }) => metadata.labels?.['workflows.argoproj.io/workflow-archiving-status'] === 'Archived');
  });

  it('says in the object what is wrong with it', async () => {
    await apply(object('wrong', { entrypoint: 'nowhere', templates: [pod('say')] }));
    expect((await until('wrong', phase('Failed'))).status?.message).toMatch(/^invalid spec: .*nowhere/);
  });

  it('suspends, goes on and stops as the spec is edited', async () => {
    await apply({ ...object('edited', { suspend: true, templates: [pod('main', 'result=x')] }) });
    await until('edited', ({ metadata }) => metadata.annotations?.['argosy.dev/controls'] === 'suspended');
    await kubectl('patch', 'wf', 'edited', '--type=merge', '-p', '{"spec":{"suspend":false}}');
    await until('edited', phase('Succeeded'));

    await apply(gate('stopped'));
    await until('stopped', phase('Running'));
    await kubectl('patch', 'wf', 'stopped', '--type=merge', '-p', '{"spec":{"shutdown":"Stop"}}');
    const stopped = await until('stopped', phase('Failed'));
    expect(stopped.status?.message).toContain("Stopped with strategy 'Stop'");
  });

  it('runs what comes next as the edited templates say', async () => {
    await apply(gate('rewritten'));
    await until('rewritten', phase('Running'));
    const { spec } = gate('rewritten');
    const templates = (spec as unknown as { templates: object[] }).templates.map((template) =>
      'container' in template ? pod('say', 'exit=3') : template,
    );
    await kubectl('patch', 'wf', 'rewritten', '--type=merge', '-p', JSON.stringify({ spec: { templates } }));
    await until('rewritten', ({ metadata }) => metadata.annotations?.['argosy.dev/spec-digest'] !== undefined);
    await fetch(`${stack.url}/api/v1/workflows/${namespace}/rewritten/resume`, { method: 'PUT' });
    const ended = await until('rewritten', phase('Failed'));
    expect(Object.values(ended.status?.nodes ?? {}).find(({ displayName }) => displayName === 'after')).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining('exit code 3') as unknown,
    });
    const told = await fetch(`${stack.url}/api/v1/workflows/${namespace}/rewritten`);
    expect(((await told.json()) as Workflow).spec.templates?.[2]?.container?.args).toEqual(['exit=3']);
  });

  it('goes when its time is over, as the spec says after its end', async () => {
    await apply(object('kept', { templates: [pod('main', 'result=x')] }));
    await until('kept', ({ metadata }) => metadata.labels?.['workflows.argoproj.io/workflow-archiving-status'] === 'Archived');
    const spec = { ttlStrategy: { secondsAfterCompletion: 0 } };
    await kubectl('patch', 'wf', 'kept', '--type=merge', '-p', JSON.stringify({ spec }));
    await eventually(async () => (await kubectl('get', 'wf', 'kept', '--ignore-not-found', '-o', 'name')) === '', 'it goes');
  });

  it('has labels and annotations as people change them, while it runs and after, also in lists and in the archive', async () => {
    const { metadata, ...rest } = gate('relabelled');
    await apply({ ...rest, metadata: { ...metadata, labels: { team: 'red', kept: 'yes' } } });
    await until('relabelled', phase('Running'));
    await kubectl('label', 'wf', 'relabelled', '--overwrite', 'team=blue', 'kept-', 'workflows.argoproj.io/completed=true');
    await kubectl('annotate', 'wf', 'relabelled', 'note=running');
    await eventually(async () => (await listed('team=blue,!kept')).includes('relabelled'), 'it is listed by its new label');
    expect(await listed('team=red')).toEqual([]);
    await fetch(`${stack.url}/api/v1/workflows/${namespace}/relabelled/resume`, { method: 'PUT' });
    const ended = await until('relabelled', phase('Succeeded'));
    expect(ended.metadata.labels).toMatchObject({ team: 'blue', 'workflows.argoproj.io/phase': 'Succeeded' });

    const archived = async (): Promise<Workflow['metadata'] | undefined> => {
      const answer = await fetch(`${stack.url}/api/v1/archived-workflows/${ended.metadata.uid ?? ''}`);
      return answer.ok ? ((await answer.json()) as Workflow).metadata : undefined;
    };
    await eventually(async () => (await archived())?.labels?.['team'] === 'blue', 'it is archived with its new label');
    expect((await archived())?.annotations).toMatchObject({ note: 'running' });
    await kubectl('label', 'wf', 'relabelled', '--overwrite', 'team=green', 'workflows.argoproj.io/phase=Failed');
    await eventually(async () => (await archived())?.labels?.['team'] === 'green', 'the archive follows');
    expect((await archived())?.labels).toMatchObject({ 'workflows.argoproj.io/phase': 'Succeeded' });
    expect(await listed('team=green,workflows.argoproj.io/phase=Succeeded')).toEqual(['relabelled']);
  });

  it('gets what its spec gives it as it begins, over what people wrote while it was Pending; from then on it is theirs', async () => {
    const { metadata, spec } = gate('given-labels');
    const locked = { ...spec, synchronization: { mutexes: [{ name: 'given-labels' }] } };
    const given = { labels: { team: 'green' }, annotations: { note: 'given' } };
    await apply(object('holds-them', { ...locked }));
    await until('holds-them', phase('Running'));
    await apply({
      ...object('given-labels', { ...locked, workflowMetadata: given }),
      metadata: { ...metadata, labels: { team: 'red' } },
    });
    await until('given-labels', phase('Pending'));
    await kubectl('label', 'wf', 'given-labels', '--overwrite', 'team=blue', 'mine=yes');
    await kubectl('annotate', 'wf', 'given-labels', 'note=mine');
    await eventually(async () => (await listed('team=blue,mine=yes')).includes('given-labels'), 'it is listed by its new label');
    await fetch(`${stack.url}/api/v1/workflows/${namespace}/holds-them/resume`, { method: 'PUT' });
    const begun = await until('given-labels', phase('Running'));
    expect(begun.metadata).toMatchObject({ labels: { team: 'green', mine: 'yes' }, annotations: { note: 'given' } });
    expect(await listed('team=green,mine=yes')).toEqual(['given-labels']);

    await kubectl('label', 'wf', 'given-labels', '--overwrite', 'team=blue');
    await eventually(
      async () => (await listed('team=blue,mine=yes')).includes('given-labels'),
      'it is listed by its newest label',
    );
    await fetch(`${stack.url}/api/v1/workflows/${namespace}/given-labels/resume`, { method: 'PUT' });
    const ended = await until('given-labels', phase('Succeeded'));
    expect(ended.metadata.labels).toMatchObject({ team: 'blue', mine: 'yes' });
  });

  it('does what Argo asks for by writing to the status: resumes and retries', async () => {
    const { metadata, spec } = gate('asked');
    const args = { parameters: [{ name: 'word', value: 'exit=3' }] };
    const templates = (spec as unknown as { templates: object[] }).templates.map((template) =>
      'container' in template ? pod('say', '{{workflow.parameters.word}}') : template,
    );
    await apply({ ...object('asked', { ...spec, arguments: args, templates }), metadata });
    const nodeIdOf = ({ status }: Workflow, name: string) =>
      Object.values(status?.nodes ?? {}).find(({ displayName }) => displayName === name)?.id ?? '';
    const waits = await until('asked', (workflow) => nodeIdOf(workflow, 'gate') !== '');
    const resumed = { [nodeIdOf(waits, 'gate')]: { phase: 'Succeeded', finishedAt: '2026-01-01T00:00:00Z', message: 'by Argo' } };
    await kubectl('patch', 'wf', 'asked', '--type=merge', '-p', JSON.stringify({ status: { nodes: resumed } }));
    await until('asked', phase('Failed'));
    const failed = await until('asked', ({ metadata: { labels } }) => labels?.['workflows.argoproj.io/completed'] === 'true');
    expect(failed.status?.nodes?.[nodeIdOf(failed, 'gate')]?.message).toBe('by Argo');
    const { [nodeIdOf(failed, 'after')]: _failed, ...nodes } = failed.status?.nodes ?? {};
    const { 'workflows.argoproj.io/completed': _completed, ...labels } = failed.metadata.labels ?? {};
    const opened = {
      ...failed,
      metadata: { ...failed.metadata, labels, resourceVersion: undefined },
      spec: { ...failed.spec, arguments: { parameters: [{ name: 'word', value: 'result=x' }] } },
      status: { ...failed.status, phase: 'Running', finishedAt: null, nodes },
    };
    await cluster.kubectl(['-n', namespace, 'replace', '-f', '-'], JSON.stringify(opened));
    const ended = await until('asked', phase('Succeeded'));
    expect(ended.status?.progress).toBe('2/2');
  });

  it("goes on from nodes without a phase, as Argo's resubmit --memoized makes them", async () => {
    const times = { startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:00Z' };
    const root = { id: 'reused', name: 'reused', displayName: 'reused', templateScope: 'local/reused' };
    const nodes = { reused: { ...root, ...times, type: 'Skipped', phase: 'Skipped', message: 'original pod: x' } };
    await apply({ ...object('reused', { templates: [pod('main', 'exit=1')] }), status: { nodes } });
    const ended = await until('reused', phase('Succeeded'));
    expect(ended.status?.nodes).toMatchObject({ reused: { type: 'Skipped', message: 'original pod: x' } });
  });

  it('shows its own status where somebody has written over it, or taken it off', async () => {
    const shown = ['over', 'off', 'replaced'];
    for (const name of shown) await apply(gate(name));
    for (const name of shown) await until(name, phase('Running'));
    const lie = { status: { phase: 'Failed' }, metadata: { labels: { 'workflows.argoproj.io/completed': 'true' } } };
    await kubectl('patch', 'wf', 'over', '--type=merge', '-p', JSON.stringify(lie));
    await kubectl('patch', 'wf', 'off', '--type=json', '-p', '[{"op":"remove","path":"/status"}]');
    await cluster.kubectl(['-n', namespace, 'replace', '-f', '-'], JSON.stringify(gate('replaced')));
    for (const name of shown) {
      const { metadata, status } = await until(name, phase('Running'));
      expect(Object.keys(status?.nodes ?? {})).toHaveLength(3);
      expect(metadata.labels).toMatchObject({ 'workflows.argoproj.io/completed': 'false' });
    }
  });

  it('shows how a copy does, whose annotations are those of a workflow that has gone far', async () => {
    const copied = { 'argosy.dev/record-version': '1000', 'argosy.dev/written-over': '1', 'argosy.dev/controls': 'Stop' };
    const { metadata, ...rest } = object('copied', { templates: [pod('main', 'result=x')] });
    await apply({ ...rest, metadata: { ...metadata, annotations: copied } });
    await until('copied', phase('Succeeded'));
  });

  it('lets no more workflows run in a namespace than its label says', async () => {
    const limit = (value: string) =>
      cluster.kubectl(['label', '--overwrite', 'namespace', namespace, `workflows.argoproj.io/parallelism-limit${value}`]);
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
    await fetch(`${stack.url}/api/v1/workflows/${namespace}/guarded/resume`, { method: 'PUT' });
    await until('guarded', phase('Succeeded'));
    await eventually(async () => (await budgets()) === '', 'the budget is gone');
  });

  it('shows in the object what was asked through the API', async () => {
    const post = async (): Promise<Workflow> => {
      const answer = await fetch(`${stack.url}/api/v1/workflows/${namespace}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'the-same-request' },
        body: JSON.stringify({ workflow: { ...gate(''), metadata: { generateName: 'posted-' } } }),
      });
      return (await answer.json()) as Workflow;
    };
    const { metadata } = await post();
    expect(metadata).toMatchObject({ name: expect.stringMatching(/^posted-/) as unknown, namespace });
    expect((await post()).metadata.uid).toBe(metadata.uid);
    const name = metadata.name ?? '';
    expect((await until(name, phase('Running'))).metadata.uid).toBe(metadata.uid);
    await fetch(`${stack.url}/api/v1/workflows/${namespace}/${name}/stop`, { method: 'PUT' });
    const stopped = await until(name, phase('Failed'));
    expect(stopped.spec.shutdown).toBe('Stop');
  });

  it('forgets a workflow whose object is deleted, and deletes the object of one that is deleted through the API', async () => {
    await apply(gate('deleted'));
    await until('deleted', phase('Running'));
    await kubectl('delete', 'wf', 'deleted');
    await eventually(
      async () => (await stack.store.workflows.getByName(namespace, 'deleted')) === undefined,
      'its rows are gone',
    );

    await apply(gate('withdrawn'));
    await until('withdrawn', phase('Running'));
    await fetch(`${stack.url}/api/v1/workflows/${namespace}/withdrawn`, { method: 'DELETE' });
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
    const stream = await fetch(`${stack.url}/api/v1/stream/events/${namespace}`, { signal: stop.signal });
    const text = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await text?.read())?.value).toContain('"reason":"Workflow');
    stop.abort();
  });

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
    const key = { namespace, name: 'going' };
    await eventually(async () => (await stack.store.schedules.get(key)) === undefined, 'its schedule is forgotten');
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
    expect(await stack.store.workflows.getByName(namespace, 'of-another')).toBeUndefined();
    await kubectl('delete', 'wf,cwf', 'of-another');
  });

  it.each(['background', 'foreground', 'orphan'])(
    'ends a running workflow that is deleted with --cascade=%s',
    async (cascade) => {
      const name = `cascade-${cascade}`;
      await apply(gate(name));
      const { uid = '' } = (await until(name, phase('Running'))).metadata;
      await kubectl('delete', 'wf', name, `--cascade=${cascade}`, '--timeout=30s');
      await eventually(async () => (await stack.store.workflows.getByUid(uid)) === undefined, 'its rows are gone');
    },
  );

  it('says where two installations run the same workflows', async () => {
    const otherDatabase = await postgresTemplate();
    const other = await startClusterStack(accounts, namespace, otherDatabase);
    try {
      await apply(gate('shared'));
      const { uid = '' } = (await until('shared', phase('Running'))).metadata;
      const both = [stack, other];
      const haveRows = async (): Promise<boolean> =>
        (await Promise.all(both.map(({ store }) => store.workflows.getByUid(uid)))).every((row) => row !== undefined);
      await eventually(haveRows, 'both have taken it in');
      const told = () =>
        kubectl('get', 'events', '--field-selector=involvedObject.name=shared,reason=WorkflowRunTwice', '-o', 'name');
      for (const { url } of both) await fetch(`${url}/api/v1/workflows/${namespace}/shared/resume`, { method: 'PUT' });
      await eventually(async () => (await told()).trim().split('\n').join() !== '', 'it is told');
    } finally {
      await other.close();
      await otherDatabase.drop();
    }
  });

  it('finds after a restart what was deleted and what was made meanwhile, and takes nothing in twice', async () => {
    await apply(gate('missed'));
    const { uid = '' } = (await until('missed', phase('Running'))).metadata;
    await stack.close();
    await kubectl('delete', 'wf', 'missed');
    await apply(object('meanwhile', { templates: [pod('main', 'result=x')] }));
    stack = await startClusterStack(accounts, namespace, database);
    await until('meanwhile', phase('Succeeded'));
    await eventually(async () => (await stack.store.workflows.getByUid(uid)) === undefined, 'its rows are gone');
  });

  it('needs no more rights than the roles give, and the roles give no more', () => {
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
