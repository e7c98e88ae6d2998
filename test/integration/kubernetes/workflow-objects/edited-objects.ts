import { expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { gate, object, phase, pod, type ObjectsUnderTest } from './objects-under-test.js';

/** What people, and Argo as they have it do, write into workflow objects. */
export function editedObjectTests(objects: ObjectsUnderTest): void {
  const { kubectl, apply, replace, until, listed, resume } = objects;

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
    await resume('rewritten');
    const ended = await until('rewritten', phase('Failed'));
    expect(Object.values(ended.status?.nodes ?? {}).find(({ displayName }) => displayName === 'after')).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining('exit code 3') as unknown,
    });
    const told = await fetch(`${objects.stack.url}/api/v1/workflows/${objects.namespace}/rewritten`);
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
    await resume('relabelled');
    const ended = await until('relabelled', phase('Succeeded'));
    expect(ended.metadata.labels).toMatchObject({ team: 'blue', 'workflows.argoproj.io/phase': 'Succeeded' });

    const archived = async (): Promise<Workflow['metadata'] | undefined> => {
      const answer = await fetch(`${objects.stack.url}/api/v1/archived-workflows/${ended.metadata.uid ?? ''}`);
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
    await resume('holds-them');
    const begun = await until('given-labels', phase('Running'));
    expect(begun.metadata).toMatchObject({ labels: { team: 'green', mine: 'yes' }, annotations: { note: 'given' } });
    expect(await listed('team=green,mine=yes')).toEqual(['given-labels']);

    await kubectl('label', 'wf', 'given-labels', '--overwrite', 'team=blue');
    await eventually(
      async () => (await listed('team=blue,mine=yes')).includes('given-labels'),
      'it is listed by its newest label',
    );
    await resume('given-labels');
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
    await replace(opened);
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
    await replace(gate('replaced'));
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
}
