import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { applyCustomResources } from '#libs/testing';
import type { Template, WorkflowSpec } from '#libs/workflow-spec';
import { type ClusterStack, hasEnded, nodeOf, startClusterStack } from './cluster-stack.js';

const WORKFLOW_RIGHTS = fileURLToPath(new URL('../../../k8s/workflow-rights', import.meta.url));
const started = await startClusterStack('e2e');

const shell = (name: string, script: string, more: Partial<Template> = {}): Template => ({
  name,
  container: { image: 'busybox', command: ['sh', '-c', script] },
  ...more,
});
const single = (template: Template, more: Omit<WorkflowSpec, 'entrypoint' | 'templates'> = {}): WorkflowSpec => ({
  entrypoint: template.name ?? '',
  templates: [template],
  ...more,
});

if ('skipped' in started) {
  describe('workflows on a Kubernetes cluster', () => {
    it.skip(started.skipped, () => undefined);
  });
} else {
  const stack: ClusterStack = started;
  const podOf = async (name: string): Promise<string> =>
    stack.cluster.kubectl(['-n', stack.namespace, 'get', 'pods', '-l', `workflows.argoproj.io/workflow=${name}`, '-o', 'json']);
  const grantRights = (): Promise<string> =>
    stack.cluster.kubectl(['-n', stack.namespace, 'apply', '--server-side', '--kustomize', WORKFLOW_RIGHTS]);
  afterAll(() => stack.stop());

  describe.concurrent('workflows on a Kubernetes cluster', () => {
    it('runs a pod that is nothing but main where nothing is staged or captured', async () => {
      const ended = await stack.run(single(shell('hello', 'echo hello; ls /var/run/argo')));
      expect(ended.status).toMatchObject({ phase: 'Failed', message: expect.stringContaining('(exit code 1)') as string });
      const { items } = JSON.parse(await podOf(ended.metadata.name ?? '')) as { items: { spec: { containers: unknown[] } }[] };
      expect(items.map(({ spec }) => spec.containers.length)).toEqual([1]);
    });

    it('hands on the result of a script and parameters from files', async () => {
      const ended = await stack.run({
        entrypoint: 'all',
        templates: [
          {
            name: 'make',
            script: { image: 'busybox', command: ['sh'], source: 'printf "a $HOSTNAME_X value" > /tmp/out; echo $((6 * 7))' },
            outputs: {
              parameters: [
                { name: 'p', valueFrom: { path: '/tmp/out' } },
                { name: 'q', valueFrom: { path: '/tmp/none', default: 'spare' } },
              ],
            },
          },
          {
            name: 'show',
            inputs: { parameters: [{ name: 'r' }, { name: 'p' }, { name: 'q' }] },
            script: {
              image: 'busybox',
              command: ['sh'],
              source: 'echo "{{inputs.parameters.r}} {{inputs.parameters.p}} {{inputs.parameters.q}}"',
            },
          },
          {
            name: 'all',
            steps: [
              [{ name: 'one', template: 'make' }],
              [
                {
                  name: 'two',
                  template: 'show',
                  arguments: {
                    parameters: [
                      { name: 'r', value: '{{steps.one.outputs.result}}' },
                      { name: 'p', value: '{{steps.one.outputs.parameters.p}}' },
                      { name: 'q', value: '{{steps.one.outputs.parameters.q}}' },
                    ],
                  },
                },
              ],
              [
                {
                  name: 'three',
                  template: 'show',
                  arguments: {
                    parameters: ['r', 'p', 'q'].map((name) => ({
                      name,
                      value: name === 'r' ? '{{steps.two.outputs.result}}' : 'x',
                    })),
                  },
                },
              ],
            ],
          },
        ],
      });
      expect(ended.status?.phase).toBe('Succeeded');
      expect(nodeOf(ended, 'two')?.outputs?.result).toBe('42 a  value spare');
    });

    it('brings large results out of the pod by its log where it has no right to write objects', async () => {
      const ended = await stack.run({
        entrypoint: 'all',
        automountServiceAccountToken: false,
        templates: [
          {
            name: 'make',
            script: {
              image: 'busybox',
              command: ['sh'],
              source: 'head -c 300000 /dev/urandom | base64 -w 0 > /tmp/out; head -c 30000 /dev/urandom | base64 -w 0',
            },
            outputs: { parameters: [{ name: 'p', valueFrom: { path: '/tmp/out' } }] },
          },
          shell('use', 'true', { inputs: { parameters: [{ name: 'text' }] } }),
          {
            name: 'all',
            steps: [
              [{ name: 'one', template: 'make' }],
              [
                {
                  name: 'two',
                  template: 'use',
                  arguments: { parameters: [{ name: 'text', value: '{{steps.one.outputs.result}}' }] },
                },
              ],
            ],
          },
        ],
      });
      expect(ended.status?.phase).toBe('Succeeded');
      expect(nodeOf(ended, 'one')?.outputs?.result).toHaveLength(40_000);
      expect(nodeOf(ended, 'one')?.outputs?.parameters?.[0]?.value).toHaveLength(400_000);
    });

    it('brings them in a WorkflowTaskResult that belongs to the pod where the service account may write one', async () => {
      const { cluster } = stack;
      await applyCustomResources(cluster);
      await grantRights();
      const make: Template = {
        name: 'make',
        container: {
          image: 'busybox',
          command: ['sh', '-c', 'head -c 9000 /dev/urandom | base64 -w 0 > /tmp/large; printf small > /tmp/small'],
        },
        outputs: {
          parameters: ['large', 'small'].map((name) => ({ name, valueFrom: { path: `/tmp/${name}` } })),
        },
      };
      const ended = await stack.run(single(make));
      expect(ended.status?.phase).toBe('Succeeded');
      const [node] = Object.values(ended.status?.nodes ?? {});
      expect(node?.outputs?.parameters).toMatchObject([
        { name: 'large', value: expect.stringMatching(/^[A-Za-z0-9+/]{12000}$/) as string },
        { name: 'small', value: 'small' },
      ]);
      const result = await cluster.api.get<{ metadata: object; outputs: object }>({
        apiVersion: 'argoproj.io/v1alpha1',
        plural: 'workflowtaskresults',
        namespace: stack.namespace,
        name: node?.id ?? '',
      });
      expect(result.outputs).toEqual({ parameters: node?.outputs?.parameters });
      expect(result.metadata).toMatchObject({
        labels: { 'workflows.argoproj.io/workflow': ended.metadata.name },
        ownerReferences: [{ kind: 'Pod', name: node?.id }],
      });
    });

    it('shows the progress that a running program tells', async () => {
      await grantRights();
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
      const ended = await stack.run({
        entrypoint: 'all',
        templates: [
          {
            name: 'hungry',
            script: {
              image: 'busybox',
              command: ['sh'],
              source: 'x=a; while :; do x=$x$x; done',
              resources: { limits: { memory: '16Mi' } },
            },
          },
          shell('use', 'true', { inputs: { parameters: [{ name: 'text' }] } }),
          {
            name: 'all',
            steps: [
              [{ name: 'one', template: 'hungry' }],
              [
                {
                  name: 'two',
                  template: 'use',
                  arguments: { parameters: [{ name: 'text', value: '{{steps.one.outputs.result}}' }] },
                },
              ],
            ],
          },
        ],
      });
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

    it('ends with the deadline of a template', async () => {
      const ended = await stack.run(single(shell('late', 'sleep 1000', { activeDeadlineSeconds: 2 })));
      expect(ended.status).toMatchObject({
        phase: 'Failed',
        message: 'Pod was active on the node longer than the specified deadline',
      });
    });

    it('runs the program of an image that says itself what it runs, captured', async () => {
      const ended = await stack.run({
        entrypoint: 'all',
        templates: [
          { name: 'print', container: { image: 'argoproj/argosay:v2', args: ['echo', 'from the image'] } },
          shell('use', 'true', { inputs: { parameters: [{ name: 'text' }] } }),
          {
            name: 'all',
            steps: [
              [{ name: 'one', template: 'print' }],
              [
                {
                  name: 'two',
                  template: 'use',
                  arguments: { parameters: [{ name: 'text', value: '{{steps.one.outputs.result}}' }] },
                },
              ],
            ],
          },
        ],
      });
      expect(nodeOf(ended, 'one')?.outputs?.result).toBe('from the image');
      expect(ended.status?.phase).toBe('Succeeded');
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

    it.skipIf(stack.s3 === undefined)('passes files and folders on through S3', async () => {
      const ended = await stack.run({
        entrypoint: 'all',
        templates: [
          shell('make', 'mkdir -p /tmp/tree/sub; echo deep > /tmp/tree/sub/file; echo flat > /tmp/flat', {
            outputs: {
              artifacts: [
                { name: 'tree', path: '/tmp/tree' },
                { name: 'flat', path: '/tmp/flat', archive: { none: {} } },
              ],
            },
          }),
          {
            name: 'show',
            inputs: {
              artifacts: [
                { name: 'tree', path: '/in/tree' },
                { name: 'flat', path: '/flat' },
              ],
            },
            script: { image: 'busybox', command: ['sh'], source: 'cat /in/tree/sub/file /flat' },
          },
          shell('use', 'true', { inputs: { parameters: [{ name: 'text' }] } }),
          {
            name: 'all',
            steps: [
              [{ name: 'one', template: 'make' }],
              [
                {
                  name: 'two',
                  template: 'show',
                  arguments: {
                    artifacts: [
                      { name: 'tree', from: '{{steps.one.outputs.artifacts.tree}}' },
                      { name: 'flat', from: '{{steps.one.outputs.artifacts.flat}}' },
                    ],
                  },
                },
              ],
              [
                {
                  name: 'three',
                  template: 'use',
                  arguments: { parameters: [{ name: 'text', value: '{{steps.two.outputs.result}}' }] },
                },
              ],
            ],
          },
        ],
      });
      expect(ended.status?.phase).toBe('Succeeded');
      expect(nodeOf(ended, 'two')?.outputs?.result).toBe('deep\nflat');
    });

    it.skipIf(stack.s3 === undefined)('ends in Error where an artifact is missing, with the words of Argo', async () => {
      const ended = await stack.run(
        single(shell('none', 'true', { outputs: { artifacts: [{ name: 'a', path: '/tmp/none' }] } })),
      );
      expect(hasEnded(ended)).toBe(true);
      expect(ended.status).toMatchObject({
        phase: 'Error',
        message: 'wait: Error (exit code 64): open /var/run/argo/outputs/artifacts/tmp/none.tgz: no such file or directory; ',
      });
    });
  });
}
