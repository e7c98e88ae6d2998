import { describe, expect, it } from 'vitest';
import { playPod, runSimulated, type PlayedPod } from '#libs/testing';
import type { Container, NodeStatus, Template, Workflow } from '#libs/workflow-spec';
import type { PodOrder } from '../contract.js';

const sim = (...args: string[]): Container => ({ image: 'sim', command: ['sim'], args });
const workflow = (templates: Template[], more: object = {}): Workflow => ({
  metadata: { name: 'wf' },
  spec: { entrypoint: 'main', templates, ...more },
});
const served: Template[] = [
  {
    name: 'main',
    steps: [
      [{ name: 'server', template: 'server' }],
      [{ name: 'client', template: 'client', arguments: { parameters: [{ name: 'ip', value: '{{steps.server.ip}}' }] } }],
    ],
  },
  { name: 'server', daemon: true, container: sim('ms=1000') },
  { name: 'client', inputs: { parameters: [{ name: 'ip' }] }, container: sim('result={{inputs.parameters.ip}}') },
];
const nodesOf = (run: { workflow: Workflow }): Record<string, NodeStatus> =>
  Object.fromEntries(Object.values(run.workflow.status?.nodes ?? {}).map((node) => [node.name, node]));

/** The server ends well before it is ready. */
const ending = (order: PodOrder): PlayedPod => {
  if (order.templateName !== 'server') return playPod(order);
  const { nodeId, incarnation } = order;
  return { durationMs: 100, report: { nodeId, incarnation, phase: 'Succeeded' } };
};

describe('a daemon', () => {
  it('lets those go on who wait for it, gives them its address, and has succeeded when its template ends', () => {
    const run = runSimulated(workflow(served));
    const nodes = nodesOf(run);
    expect(nodes['wf[1].client']?.inputs?.parameters).toEqual([{ name: 'ip', value: '10.0.0.1' }]);
    expect(nodes['wf[0].server']).toMatchObject({ phase: 'Succeeded', progress: '1/1' });
    expect(nodes['wf[0].server']).not.toHaveProperty('daemoned');
    expect(run.commands).toContainEqual(expect.objectContaining({ type: 'stopPod', reason: 'daemon' }));
  });

  it('has failed where it ends by itself before it is ready, however well', () => {
    const run = runSimulated(workflow(served), { play: ending });
    expect(nodesOf(run)['wf[0].server']?.phase).toBe('Failed');
    expect(run.workflow.status?.phase).toBe('Failed');
  });

  it('alone is done when it is ready', () => {
    const run = runSimulated(workflow([{ name: 'main', daemon: true, container: sim('ms=1000') }]));
    expect(run.workflow.status).toMatchObject({ phase: 'Succeeded', progress: '1/1' });
  });
});
