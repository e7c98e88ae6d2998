import { expect, it } from 'vitest';
import { applyCustomResources } from '#libs/testing';
import type { Template } from '#libs/workflow-spec';
import { type ClusterStack, grantRights, hasEnded, nodeOf } from '../cluster-stack.js';
import { captured, shell, single } from './pod-templates.js';

/** What a pod hands on: results, parameters and artifacts, by every way out of it. */
export function podOutputTests(stack: ClusterStack): void {
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
    const ended = await stack.run(
      captured(
        {
          name: 'make',
          script: {
            image: 'busybox',
            command: ['sh'],
            source: 'head -c 300000 /dev/urandom | base64 -w 0 > /tmp/out; head -c 30000 /dev/urandom | base64 -w 0',
          },
          outputs: { parameters: [{ name: 'p', valueFrom: { path: '/tmp/out' } }] },
        },
        { automountServiceAccountToken: false },
      ),
    );
    expect(ended.status?.phase).toBe('Succeeded');
    expect(nodeOf(ended, 'one')?.outputs?.result).toHaveLength(40_000);
    expect(nodeOf(ended, 'one')?.outputs?.parameters?.[0]?.value).toHaveLength(400_000);
  });

  it('brings them in a WorkflowTaskResult that belongs to the pod where the service account may write one', async () => {
    const { cluster } = stack;
    await applyCustomResources(cluster);
    await grantRights(stack);
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

  it('runs the program of an image that says itself what it runs, captured', async () => {
    const ended = await stack.run(
      captured({ name: 'print', container: { image: 'argoproj/argosay:v2', args: ['echo', 'from the image'] } }),
    );
    expect(nodeOf(ended, 'one')?.outputs?.result).toBe('from the image');
    expect(ended.status?.phase).toBe('Succeeded');
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
    const ended = await stack.run(single(shell('none', 'true', { outputs: { artifacts: [{ name: 'a', path: '/tmp/none' }] } })));
    expect(hasEnded(ended)).toBe(true);
    expect(ended.status).toMatchObject({
      phase: 'Error',
      message: 'wait: Error (exit code 64): open /var/run/argo/outputs/artifacts/tmp/none.tgz: no such file or directory; ',
    });
  });
}
