import { rm } from 'node:fs/promises';
import path from 'node:path';
import { eventually } from '#libs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { argosy } from '../harness/program.js';
import { StepGate } from '../harness/step-gate.js';
import { writeFiles } from './files.js';
import { newFolder, type Outcome, UpProcess, whyNotBuilt } from './stack.js';

const reason = whyNotBuilt();

/** Lists are brought up to date shortly after the event: asks again until the answer holds the text. */
const untilSays = async (ask: () => Promise<Outcome>, text: RegExp): Promise<Outcome> => {
  let last: Outcome | undefined;
  await eventually(
    async () => text.test((last = await ask()).stdout),
    () => `says ${text}; said ${JSON.stringify(last)}`,
    30_000,
  );
  return last as Outcome;
};

describe.skipIf(reason !== undefined)(`the commands against a server ${reason ?? ''}`, () => {
  let folder: string;
  let up: UpProcess;
  const file = (name: string): string => path.join(folder, name);
  const cli = (...args: string[]): Promise<Outcome> => up.cli(...args);
  /** The command's text; it must have succeeded. */
  const said = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await cli(...args);
    expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: '' });
    return stdout;
  };
  const submitted = async (name: string, ...flags: string[]): Promise<string> =>
    (await said('submit', file(name), '-o', 'name', ...flags)).trim();

  beforeAll(async () => {
    folder = await newFolder();
    await writeFiles(folder);
    up = await UpProcess.start(path.join(folder, 'state of it'));
  });
  afterAll(async () => {
    await up?.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  });

  it('submits a file and waits for its end', async () => {
    const { exitCode, stdout } = await cli('submit', file('greet.yaml'), '-p', 'who=you', '--wait');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Name: +greet\n/);
    expect(stdout).toMatch(/greet Succeeded at \d{4}-/);
    expect(await said('logs', 'greet')).toBe('greet: hello you.\n');
  });

  it('submits several workflows of one file, under the flags of each', async () => {
    expect(await said('submit', file('two.yaml'), '-o', 'name', '-l', 'batch=7')).toBe('pair-one\npair-two\n');
    expect(await said('wait', 'pair-one', 'pair-two')).toMatch(/pair-one Succeeded at .*\n|pair-two Succeeded at .*\n/);
    const names = (await said('list', '-l', 'batch=7', '-o', 'name')).trim().split('\n').sort();
    expect(names).toEqual(['pair-one', 'pair-two']);
  });

  it('reads parameters from a file, below those of the command', async () => {
    const text = await said(
      'submit',
      file('greet.yaml'),
      '--name',
      'from-file',
      '-f',
      file('values.yaml'),
      '-p',
      'mark=?',
      '--log',
    );
    expect(text).toContain('from-file: hello everybody?\n');
  });

  it('ends with 1 when what it waited for failed', async () => {
    const { exitCode, stdout } = await cli('submit', file('fails.yaml'), '--watch');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/└───✖ broken +broken +fails-broken-\d+ +\d+s +main: Error \(exit code 1\)/);
    expect((await cli('wait', 'fails')).exitCode).toBe(1);
  });

  it('shows a workflow in every format', async () => {
    expect(await said('get', 'greet', '-o', 'name')).toBe('greet\n');
    expect((JSON.parse(await said('get', 'greet', '-o', 'json')) as { status: { phase: string } }).status.phase).toBe(
      'Succeeded',
    );
    expect((parse(await said('get', 'greet', '-o', 'yaml')) as { kind: string }).kind).toBe('Workflow');
    expect(await said('get', 'greet', '-o', 'short')).toMatch(/DURATION +MESSAGE +NODENAME\n ✔ greet/);
    expect(await said('get', 'greet', '-o', 'wide')).toMatch(/ARTIFACTS +MESSAGE +RESOURCESDURATION +NODENAME\n/);
    expect(await said('get', 'greet', '--no-utf8')).toContain(' Succeeded greet');
    expect(await said('get', '@latest')).toMatch(/^Name: +fails\n/);
    expect(await said('get', 'fails', '--status', 'Failed')).not.toContain('✔ fine');
    const { exitCode, stderr } = await cli('get', 'greet', '-o', 'xml');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'argosy: --output takes name, json, yaml, short, wide, not xml\n',
    });
  });

  it('lists by phase, label, prefix, field and age', async () => {
    expect(await said('list')).toMatch(/^NAME +STATUS +AGE +DURATION +PRIORITY +MESSAGE\n/);
    expect(await said('list', '--no-headers')).not.toContain('STATUS');
    expect(await said('list', '-A')).toMatch(/^NAMESPACE +NAME/);
    expect(await said('list', '-o', 'wide', '--prefix', 'greet')).toMatch(/0\/0\/1 +who=you,mark=\./);
    expect(await said('list', '--status', 'Failed,Error', '-o', 'name')).toBe('fails\n');
    expect(await said('list', '--prefix', 'pair-', '--chunk-size', '1', '-o', 'name')).toMatch(/^pair-\w+\npair-\w+\n$/);
    expect(await said('list', '--field-selector', 'metadata.name=greet', '-o', 'name')).toBe('greet\n');
    expect(await said('list', '-l', 'team=red', '--prefix', 'from', '-o', 'name')).toBe('from-file\n');
    expect(await said('list', '--older', '1h')).toBe('No workflows found\n');
    expect(await said('list', '--since', '1h', '--completed', '-o', 'name')).toContain('greet\n');
    expect(await said('list', '--running')).toBe('No workflows found\n');
    expect((await cli('list', '--since', 'soon')).exitCode).toBe(2);
  });

  it('retries what failed and resubmits it under a new name', async () => {
    const retried = await cli('retry', 'fails', '--wait');
    expect(retried.exitCode).toBe(1);
    expect(retried.stdout).toMatch(/fails Failed at/);
    const again = (await said('resubmit', 'greet', '-p', 'who=all', '-o', 'name')).trim();
    expect(again).toMatch(/^greet-\w+$/);
    expect(await said('logs', again, '-f')).toBe(`${again}: hello all.\n`);
    expect(await said('list', '--resubmitted', '-o', 'name')).toBe(`${again}\n`);
  });

  it('follows logs while lines come, and filters them', async () => {
    const name = await submitted('slow.yaml');
    const lines = (await said('logs', name, '-f')).trim().split('\n');
    expect(lines.map((line) => line.replace(/^.*: /, ''))).toEqual(['begun', 'ended', 'begun', 'ended']);
    expect((await said('logs', name, '--grep', 'end')).trim().split('\n')).toHaveLength(2);
    expect(
      (await said('logs', name, '--tail', '1'))
        .trim()
        .split('\n')
        .every((line) => line.endsWith('ended')),
    ).toBe(true);
  });

  it('sets values of a suspended node, resumes it, and watches the rest', async () => {
    const name = await submitted('asks.yaml');
    await untilSays(() => cli('get', name), /Running \(Suspended\)/);
    expect(await said('node', 'set', name, '-p', 'answer=yes', '--node-field-selector', 'displayName=approve')).toBe(
      'workflow values set\n',
    );
    expect(await said('resume', name)).toBe(`workflow ${name} resumed\n`);
    expect(await said('watch', name)).toMatch(/✔ after/);
    expect(await said('logs', name)).toContain('answer yes');
  });

  it('suspends a workflow that runs, and lets it go on', async () => {
    const gate = await StepGate.listen();
    const name = await submitted('paced.yaml', '-p', `port=${gate.port}`);
    await untilSays(() => cli('get', name), /● first/);
    expect(await said('suspend', name)).toBe(`workflow ${name} suspended\n`);
    await untilSays(() => cli('get', name), /Running \(Suspended\)/);
    gate.open();
    expect((await untilSays(() => cli('get', name), /✔ first/)).stdout).not.toMatch(/[●✔◷] second/);
    expect(await said('resume', name)).toBe(`workflow ${name} resumed\n`);
    expect(await said('wait', name)).toMatch(/ Succeeded at /);
    await gate.close();
  });

  it.each([
    ['stop', 'stopped'],
    ['terminate', 'terminated'],
  ])('%ss a workflow that runs', async (verb, done) => {
    const name = await submitted('sleeps.yaml');
    await untilSays(() => cli('get', name), /● sleeps/);
    expect(await said(verb, name, '--dry-run')).toBe(`workflow ${name} ${done} (dry-run)\n`);
    expect(await said(verb, name)).toBe(`workflow ${name} ${done}\n`);
    const waited = await cli('wait', name);
    expect(waited).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(`${name} Failed at`) as unknown });
    expect(await said('get', name)).toMatch(/^Status: +Failed \(Terminated\)$/m);
  });

  it('lints at the server and offline, every document of every file', async () => {
    expect(await said('lint', file('greet.yaml'), file('two.yaml'))).toBe('✔ no linting errors found!\n');
    expect((await cli('lint', '--offline', file('refers.yaml'))).exitCode).toBe(1);
    expect(await said('lint', '--offline', file('refers.yaml'), file('template.yaml'))).toBe('✔ no linting errors found!\n');
    for (const where of [[], ['--offline']]) {
      const { exitCode, stdout } = await cli('lint', ...where, file('greet.yaml'), file('wrong.yaml'));
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(
        /wrong\.yaml:\n {3}✖ in "wrong" \(Workflow\): .*nowhere.* \[\d+:\d+ unknown-template\]\n\n✖ 1 linting errors found!\n$/,
      );
    }
  });

  it('keeps WorkflowTemplates and submits from them', async () => {
    expect(await said('template', 'lint', file('template.yaml'))).toContain('build');
    expect(await said('template', 'create', file('template.yaml'))).toBe('WorkflowTemplate build created\n');
    expect(await said('template', 'list')).toBe('NAME\nbuild\n');
    expect((parse(await said('template', 'get', 'build')) as { kind: string }).kind).toBe('WorkflowTemplate');
    expect(await said('template', 'update', file('template.yaml'))).toBe('WorkflowTemplate build updated\n');
    const text = await said('submit', '--from', 'workflowtemplate/build', '-p', 'branch=next', '--log');
    expect(text).toContain('branch next');
    expect(await said('template', 'delete', 'build')).toBe("WorkflowTemplate 'build' deleted\n");
    expect((await cli('template', 'get', 'build')).exitCode).toBe(1);
  });

  it('keeps ClusterWorkflowTemplates and submits from them', async () => {
    expect(await said('cluster-template', 'create', file('cluster-template.yaml'))).toBe(
      'ClusterWorkflowTemplate shared-build created\n',
    );
    expect(await said('cluster-template', 'list', '-o', 'name')).toBe('shared-build\n');
    expect(await said('submit', '--from', 'clusterworkflowtemplate/shared-build', '--log')).toContain('shared');
    expect(await said('cluster-template', 'delete', '--all')).toBe("ClusterWorkflowTemplate 'shared-build' deleted\n");
  });

  it('keeps CronWorkflows, suspends them and submits from them', async () => {
    expect(await said('cron', 'create', file('cron.yaml'))).toBe('CronWorkflow nightly created\n');
    expect(await said('cron', 'list')).toMatch(/nightly +\d+s +N\/A +\d+d +0 3 1 1 \* +Europe\/Berlin +false/);
    expect(await said('cron', 'suspend', 'nightly')).toBe("CronWorkflow 'nightly' suspended\n");
    expect(await said('cron', 'list')).toMatch(/nightly .* true/);
    expect(await said('cron', 'resume', 'nightly')).toBe("CronWorkflow 'nightly' resumed\n");
    expect(await said('submit', '--from', 'cronwf/nightly', '--log')).toContain('night');
    expect(await said('cron', 'delete', 'nightly')).toBe("CronWorkflow 'nightly' deleted\n");
  });

  it('finds finished workflows in the archive', async () => {
    await untilSays(() => cli('archive', 'list', '--prefix', 'greet', '-o', 'name'), /^greet$/m);
    const [archived] = JSON.parse(await said('archive', 'list', '-l', 'team=red', '--prefix', 'from-file', '-o', 'json')) as [
      { metadata: { uid: string } },
    ];
    const { uid } = archived.metadata;
    expect(await said('archive', 'get', uid)).toMatch(/^Name: +from-file\n/);
    expect(await said('archive', 'list-label-keys')).toContain('team\n');
    expect(await said('archive', 'list-label-values', '-l', 'team')).toContain('red\n');
    expect(await said('archive', 'resubmit', uid)).toMatch(/^Name: +from-file-\w+\n/);
    expect(await said('archive', 'delete', uid)).toBe(`Archived workflow '${uid}' deleted\n`);
    expect((await cli('archive', 'get', uid)).exitCode).toBe(1);
  });

  it('applies, shows and deletes objects as kubectl does', async () => {
    expect(await said('apply', '-f', file('settings.yaml'), '-f', file('template.yaml'))).toBe(
      'configmap/settings applied\nworkflowtemplate/build applied\n',
    );
    expect((parse(await said('get', 'configmap', 'settings')) as { data: unknown }).data).toEqual({ colour: 'blue' });
    expect(await said('get', 'wftmpl')).toBe('NAME\nbuild\n');
    expect(parseAllDocuments(await said('get', 'cm', 'settings', 'settings'))).toHaveLength(2);
    expect(await said('delete', 'cm', 'settings')).toBe("ConfigMap 'settings' deleted\n");
    expect((await cli('get', 'cm', 'settings')).exitCode).toBe(1);
  });

  it('deletes by name and by selection', async () => {
    expect(await said('delete', 'pair-one', '--dry-run')).toBe("Workflow 'pair-one' deleted (dry-run)\n");
    expect(await said('delete', 'pair-one')).toBe("Workflow 'pair-one' deleted\n");
    expect(await said('delete', '--prefix', 'pair')).toBe("Workflow 'pair-two' deleted\n");
    const gone = await cli('delete', 'pair-one');
    expect(gone).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('not found') as unknown });
    expect((await cli('delete')).exitCode).toBe(2);
  });

  it('prints what it would submit, and lets the server check it, without keeping it', async () => {
    expect(await said('submit', file('greet.yaml'), '--name', 'dry', '--dry-run', '-o', 'yaml')).toContain('name: dry');
    expect(await said('submit', file('greet.yaml'), '--name', 'dry', '--server-dry-run', '-o', 'name')).toBe('dry\n');
    const { exitCode, stderr } = await cli('get', 'dry');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^argosy: .*"dry" not found\n$/);
  });

  it('says its version and the server’s', async () => {
    expect(await said('version')).toMatch(/^argosy: \d+\.\d+\.\d+\nargosy-server: \S+\n$/);
    expect(await said('version', '--short')).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('takes server, namespace and token from flags above variables', async () => {
    const other = { ARGO_SERVER: '127.0.0.1:1', ARGO_NAMESPACE: 'elsewhere' };
    expect((await argosy(['list', '-s', up.url], other)).stdout).toBe('No workflows found\n');
    expect((await argosy(['list', '-s', up.url, '-n', 'default', '-o', 'name'], other)).stdout).toContain('greet\n');
    expect((await argosy(['list'], other)).exitCode).toBe(1);
  });

  it('ends with 2 when it is used wrongly, and says what it knows', async () => {
    for (const args of [['dance'], ['list', '--sideways'], ['get', 'greet', '--output'], ['submit'], ['node', 'unset', 'x']])
      expect({ args, exitCode: (await cli(...args)).exitCode }).toEqual({ args, exitCode: 2 });
    expect((await cli('dance')).stderr).toContain('argosy --help lists the commands');
  });
});
