import { afterAll, describe, expect, it } from 'vitest';
import { type ClusterStack, grantRights, nodeOf, startClusterStack } from './cluster-stack.js';
import { podEndTests } from './pods/pod-ends.js';
import { podOutputTests } from './pods/pod-outputs.js';
import { shell, single } from './pods/pod-templates.js';

const started = await startClusterStack('e2e');

if ('skipped' in started) {
  describe('workflows on a Kubernetes cluster', () => {
    it.skip(started.skipped, () => undefined);
  });
} else {
  const stack: ClusterStack = started;
  const podsOf = async (name: string): Promise<string> =>
    stack.cluster.kubectl(['-n', stack.namespace, 'get', 'pods', '-l', `workflows.argoproj.io/workflow=${name}`, '-o', 'json']);
  afterAll(() => stack.stop());

  describe.concurrent('workflows on a Kubernetes cluster', () => {
    it('runs a pod that is nothing but main where nothing is staged or captured', async () => {
      const ended = await stack.run(single(shell('hello', 'echo hello; ls /var/run/argo')));
      expect(ended.status).toMatchObject({ phase: 'Failed', message: expect.stringContaining('(exit code 1)') as string });
      const { items } = JSON.parse(await podsOf(ended.metadata.name ?? '')) as { items: { spec: { containers: unknown[] } }[] };
      expect(items.map(({ spec }) => spec.containers.length)).toEqual([1]);
    });

    podOutputTests(stack);

    it('shows the progress that a running program tells', async () => {
      await grantRights(stack);
      const env = [{ name: 'ARGO_PROGRESS_PATCH_TICK_DURATION', value: '1s' }];
      const script = 'echo 10/50 > $ARGO_PROGRESS_FILE; until [ -e /tmp/end ]; do sleep 0.2; done';
      const name = await stack.submit(
        single({ name: 'slow', container: { image: 'busybox', command: ['sh', '-c', script], env } }),
      );
      const running = await stack.reach(name, (workflow) => workflow.status?.progress === '10/50');
      expect(nodeOf(running, name)).toMatchObject({ phase: 'Running', progress: '10/50' });
      await stack.cluster.kubectl(['-n', stack.namespace, 'exec', name, '-c', 'main', '--', 'touch', '/tmp/end']);
      const ended = await stack.reach(name);
      expect(ended.status).toMatchObject({ phase: 'Succeeded', progress: '50/50' });
      expect(nodeOf(ended, name)?.resourcesDuration).toEqual({ cpu: expect.any(Number), memory: expect.any(Number) });
    });

    podEndTests(stack);

    it('retries', async () => {
      const ended = await stack.run(
        single(shell('flaky', 'exit {{retries}}', { retryStrategy: { limit: '2', expression: "lastRetry.exitCode != '1'" } })),
      );
      expect(ended.status?.phase).toBe('Succeeded');
      const failing = await stack.run(single(shell('failing', 'exit 3', { retryStrategy: { limit: '1' } })));
      expect(failing.status).toMatchObject({ phase: 'Failed', message: 'No more retries left' });
      expect(nodeOf(failing, `${failing.metadata.name}(1)`)?.message).toBe('main: Error (exit code 3)');
    });

    it('uses a daemon and ends it', async () => {
      const ended = await stack.run({
        entrypoint: 'all',
        templates: [
          shell('server', 'echo served > /tmp/index.html; httpd -f -p 8080 -h /tmp', { daemon: true }),
          {
            name: 'ask',
            inputs: { parameters: [{ name: 'ip' }] },
            script: {
              image: 'busybox',
              command: ['sh'],
              source:
                'for i in 1 2 3 4 5 6 7 8 9; do wget -q -O - http://{{inputs.parameters.ip}}:8080/index.html && exit 0; sleep 0.3; done; exit 1',
            },
          },
          {
            name: 'all',
            steps: [
              [{ name: 'served', template: 'server' }],
              [{ name: 'asked', template: 'ask', arguments: { parameters: [{ name: 'ip', value: '{{steps.served.ip}}' }] } }],
            ],
          },
        ],
      });
      expect(ended.status?.phase).toBe('Succeeded');
      expect(nodeOf(ended, 'served')?.phase).toBe('Succeeded');
    });

    it('ends sidecars with main', async () => {
      const ended = await stack.run(
        single(
          shell('main', 'sleep 1', { sidecars: [{ name: 'beside', image: 'busybox', command: ['sh', '-c', 'sleep 1000'] }] }),
        ),
      );
      expect(ended.status?.phase).toBe('Succeeded');
    });

    it('runs exit handlers after a failure, and not after Terminate', async () => {
      const spec = {
        ...single(shell('fails', 'exit 1')),
        onExit: 'bye',
        templates: [shell('fails', 'exit 1'), shell('bye', 'true')],
      };
      const ended = await stack.run(spec);
      expect(ended.status).toMatchObject({ phase: 'Failed', message: 'main: Error (exit code 1)' });
      expect(nodeOf(ended, `${ended.metadata.name}.onExit`)?.phase).toBe('Succeeded');
      const name = await stack.submit({ ...spec, templates: [shell('fails', 'sleep 1000'), shell('bye', 'true')] });
      await stack.reach(name, (workflow) => nodeOf(workflow, name)?.phase === 'Running');
      await stack.client.send('PUT', `/api/v1/workflows/${stack.namespace}/${name}/terminate`, {});
      const terminated = await stack.reach(name);
      expect(terminated.status).toMatchObject({ phase: 'Failed', message: "Stopped with strategy 'Terminate'" });
      expect(nodeOf(terminated, `${name}.onExit`)).toBeUndefined();
    });
  });
}
