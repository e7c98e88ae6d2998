import { expect, it } from 'vitest';
import type { Template } from '#libs/workflow-spec';
import { type ClusterStack, nodeOf } from '../cluster-stack.js';
import { captured, shell, single } from './pod-templates.js';

/** What is said of the ends of pods. */
export function podEndTests(stack: ClusterStack): void {
  it('says how a pod ended that never was one: an image that cannot be pulled, and then a stop', async () => {
    const name = await stack.submit(single({ name: 'none', container: { image: 'nobody.invalid/none:1', command: ['true'] } }));
    const pending = await stack.reach(name, (workflow) => /ImagePull/.test(nodeOf(workflow, name)?.message ?? ''));
    expect(nodeOf(pending, name)?.phase).toBe('Pending');
    await stack.client.send('PUT', `/api/v1/workflows/${stack.namespace}/${name}/stop`, {});
    const ended = await stack.reach(name);
    expect(ended.status).toMatchObject({ phase: 'Failed', message: "Stopped with strategy 'Stop'" });
  });

  it('says that a container was killed for its memory', async () => {
    const hungry: Template = {
      name: 'hungry',
      container: {
        image: 'busybox',
        command: ['sh', '-c', 'x=a; while :; do x=$x$x; done'],
        resources: { limits: { memory: '16Mi' } },
      },
    };
    const ended = await stack.run(single(hungry));
    expect(ended.status).toMatchObject({ phase: 'Failed', message: 'main: OOMKilled (exit code 137)' });
  });

  it('says that a captured container was killed for its memory', async () => {
    const ended = await stack.run(
      captured({
        name: 'hungry',
        script: {
          image: 'busybox',
          command: ['sh'],
          source: 'x=a; while :; do x=$x$x; done',
          resources: { limits: { memory: '16Mi' } },
        },
      }),
    );
    expect(nodeOf(ended, 'one')).toMatchObject({ phase: 'Failed', message: 'main: OOMKilled (exit code 137)' });
  });

  it.skipIf(stack.s3 === undefined)('says that the executor was killed for its memory', async () => {
    const large = shell('large', 'head -c 20000000 /dev/urandom > /tmp/out', {
      outputs: { artifacts: [{ name: 'out', path: '/tmp/out' }] },
      podSpecPatch: '{"containers":[{"name":"wait","resources":{"limits":{"memory":"24Mi"}}}]}',
    });
    const ended = await stack.run(single(large));
    expect(ended.status).toMatchObject({
      phase: 'Error',
      message: expect.stringMatching(/^wait: (?:OOMKilled \(exit code 137\)|.* ended with 137: .*memory)/) as string,
    });
  });

  it('ends where a captured container cannot be started', async () => {
    const ended = await stack.run(
      single({
        name: 'nowhere',
        container: { image: 'busybox', command: ['true'], workingDir: '/bin/busybox/none' },
        outputs: { parameters: [{ name: 'p', valueFrom: { path: '/tmp/none', default: 'spare' } }] },
      }),
    );
    expect(ended.status).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/^main: StartError \(exit code 128\): /) as string,
    });
  });

  it('ends with the deadline of a template', async () => {
    const ended = await stack.run(single(shell('late', 'sleep 1000', { activeDeadlineSeconds: 2 })));
    expect(ended.status).toMatchObject({
      phase: 'Failed',
      message: 'Pod was active on the node longer than the specified deadline',
    });
  });

  it('takes a pod that somebody deletes for lost', async () => {
    const name = await stack.submit(single(shell('long', 'sleep 1000')));
    await stack.reach(name, (workflow) => nodeOf(workflow, name)?.phase === 'Running');
    await stack.cluster.kubectl([
      '-n',
      stack.namespace,
      'delete',
      'pod',
      '-l',
      `workflows.argoproj.io/workflow=${name}`,
      '--wait=false',
    ]);
    const ended = await stack.reach(name);
    expect(ended.status).toMatchObject({ phase: 'Error', message: 'pod deleted' });
  });
}
