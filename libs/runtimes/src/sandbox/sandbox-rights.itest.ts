import { readFileSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { eventually } from '#libs/testing';

import { sandboxProblem, shell, WatchedSandbox } from '../../../testing/src/watched-sandbox.js';

const problem = await sandboxProblem();
const note = problem === undefined ? '' : ` (skipped: ${problem})`;
const isRoot = process.getuid?.() === 0;

describe.skipIf(problem !== undefined)(`rights and limits of containers in the sandbox${note}`, () => {
  let sandbox: WatchedSandbox;

  beforeEach(async () => {
    sandbox = await WatchedSandbox.open();
  });
  afterEach(() => sandbox.close());

  it.skipIf(!isRoot)('runs as the user and groups that are written, who own the volumes', async () => {
    const container = shell(
      'main',
      'id -u; id -g; id -G; echo x > /v/file; stat -c %g /v/file; echo y > /tmp/own; echo again > /dev/stdout',
      {
        securityContext: { runAsUser: 1234, runAsGroup: 2345 },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    );
    const last = await sandbox.run({
      containers: [container],
      spec: { securityContext: { fsGroup: 3456 }, volumes: [{ name: 'v', emptyDir: {} }] },
    });
    expect(last).toMatchObject({ phase: 'Succeeded', outputs: { result: '1234\n2345\n2345 3456\n3456\nagain' } });
  });

  it('keeps a read-only root from being written, but not its volumes', async () => {
    const container = shell(
      'main',
      'for f in /usr/x /tmp/x /run/x /x; do echo x > $f && echo wrote $f; done; echo x > /v/x && echo volume',
      {
        securityContext: { readOnlyRootFilesystem: true },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    );
    const last = await sandbox.run({ containers: [container], spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
    expect(last.outputs?.result).toBe('volume');
  });

  it.each([
    [{ privileged: true }, 'container main: securityContext.privileged is not supported by the sandbox'],
    [
      { capabilities: { add: ['SYS_ADMIN'] } },
      'container main: securityContext.capabilities: SYS_ADMIN is not given by the sandbox',
    ],
    [{ runAsNonRoot: true }, 'container main: securityContext.runAsNonRoot: the program would run as root; give runAsUser'],
    [{ procMount: 'Unmasked' }, 'container main: securityContext.procMount is not supported by the sandbox'],
  ])('refuses %j by name', async (securityContext, message) => {
    expect((await sandbox.run({ containers: [shell('main', 'true', { securityContext })] })).message).toBe(message);
  });

  it('kills a container that takes more memory than its limit', async () => {
    const container = shell('main', 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done', {
      resources: { limits: { memory: '20M' } },
    });
    expect(await sandbox.run({ containers: [container] })).toMatchObject({
      phase: 'Failed',
      exitCode: 137,
      message: 'main: OOMKilled (exit code 137)',
    });
  });

  it('has names and resolvers of its own', async () => {
    const last = await sandbox.run({
      containers: [shell('main', 'grep special /etc/hosts; cat /etc/resolv.conf')],
      spec: {
        hostAliases: [{ ip: '10.1.2.3', hostnames: ['special', 'special.local'] }],
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['10.0.0.1'], searches: ['a.b'], options: [{ name: 'ndots', value: '2' }] },
      },
    });
    expect(last.outputs?.result).toBe('10.1.2.3\tspecial\tspecial.local\nnameserver 10.0.0.1\nsearch a.b\noptions ndots:2');
  });

  it('runs the hooks of a container after its start and before its end', async () => {
    const container = shell('main', 'until [ -f /v/hooks ]; do sleep 0.05; done; echo up; sleep 30', {
      volumeMounts: [{ name: 'v', mountPath: '/v' }],
      lifecycle: {
        postStart: { exec: { command: ['sh', '-c', 'echo started > /v/hooks'] } },
        preStop: { exec: { command: ['sh', '-c', 'echo stopping >> /v/hooks'] } },
      },
    });
    let hooks = '';
    sandbox.capture = async (files) => {
      hooks = readFileSync((await files.capturedPath('/v/hooks')) ?? '', 'utf8');
    };
    await sandbox.create({ containers: [container], spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
    await eventually(async () => (await sandbox.lines()).includes('up'), 'the hook has run');
    await sandbox.terminate(5);
    await sandbox.end();
    expect(hooks).toBe('started\nstopping\n');
  });

  it('waits for markers before its program and before its end, where its variables ask for it', async () => {
    const env = ['BEFORE', 'AFTER'].map((moment) => ({ name: `ARGO_DEBUG_PAUSE_${moment}`, value: 'true' }));
    const marker = '/var/run/argo/ctr/main';
    const source = `while [ ! -d ${marker} ]; do sleep 0.1; done; [ -e ${marker}/ran ] || : >${marker}/before
      while [ ! -e ${marker}/ran ]; do sleep 0.1; done; echo seen; : >${marker}/after; sleep 60`;
    const main = shell('main', `[ -e ${marker}/before ] && : >${marker}/ran; exit 3`, { env });
    expect(await sandbox.run({ containers: [main, shell('hand', source)] })).toMatchObject({ phase: 'Failed', exitCode: 3 });
    expect(await sandbox.lines('hand')).toEqual(['seen']);
  });

  it('has an input that stays open where it is asked for, and none otherwise', async () => {
    const source = 'timeout 0.3 cat; echo $?';
    expect((await sandbox.run({ containers: [shell('main', source)] })).outputs?.result).toBe('0');
    await sandbox.deletePod();
    expect((await sandbox.run({ containers: [shell('main', source, { stdin: true })] })).outputs?.result).toBe('124');
  });

  it('does not find a program that the image does not have', async () => {
    const last = await sandbox.run({ containers: [shell('main', 'true', { image: 'bare' })] });
    expect(last.message).toBe(
      'main: Error (exit code 64): failed to find name in PATH: exec: "sh": executable file not found in $PATH',
    );
  });
});
