import { describe, expect, it } from 'vitest';
import type { Command } from '#libs/engine';
import type { Template } from '#libs/workflow-spec';
import { type ContainerDefaults, withContainerDefaults } from './container-defaults.js';

const templateWith = (template: Partial<Template>, defaults: ContainerDefaults): Template | undefined => {
  const order = { template: { name: 'main', ...template } };
  const [command] = withContainerDefaults([{ type: 'runPod', order } as unknown as Command], defaults);
  return command?.type === 'runPod' ? command.order.template : undefined;
};

describe("the controller's word on containers", () => {
  const images = { 'whalesay:1': { entrypoint: ['cowsay'], cmd: ['hello'] } };

  it('gives a container without a command the entrypoint of its image', () => {
    expect(templateWith({ container: { image: 'whalesay:1' } }, { images })?.container).toMatchObject({
      command: ['cowsay'],
      args: ['hello'],
    });
  });

  it('leaves what the container says itself', () => {
    const { container } = templateWith({ container: { image: 'whalesay:1', args: ['x'] } }, { images }) ?? {};
    expect(container).toMatchObject({ command: ['cowsay'], args: ['x'] });
    const own = { image: 'whalesay:1', command: ['sh'] };
    expect(templateWith({ container: own }, { images })?.container).toEqual(own);
    expect(templateWith({ container: { image: 'other' } }, { images })?.container).toEqual({ image: 'other' });
  });

  it('puts the fragment below main containers, environment by name, and never its command', () => {
    const mainContainer = {
      image: 'evil',
      command: ['evil'],
      resources: { limits: { cpu: '1', memory: '1Gi' } },
      securityContext: { runAsNonRoot: true, capabilities: { drop: ['ALL'] } },
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
    };
    const container = {
      image: 'a',
      command: ['b'],
      env: [{ name: 'A', value: 'own' }],
      resources: { limits: { cpu: '2' } },
      securityContext: { runAsUser: 7 },
    };
    expect(templateWith({ container }, { mainContainer })?.container).toEqual({
      image: 'a',
      command: ['b'],
      resources: { limits: { cpu: '2', memory: '1Gi' } },
      securityContext: { runAsNonRoot: true, capabilities: { drop: ['ALL'] }, runAsUser: 7 },
      env: [
        { name: 'A', value: 'own' },
        { name: 'B', value: '2' },
      ],
    });
    const script = { image: 'a', source: 'print(1)', env: [{ name: 'B', value: 'own' }] };
    expect(templateWith({ script }, { mainContainer })?.script).toMatchObject({
      source: 'print(1)',
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: 'own' },
      ],
    });
  });

  it('changes nothing where it is silent', () => {
    const commands: Command[] = [{ type: 'finish' }];
    expect(withContainerDefaults(commands, {})).toBe(commands);
  });
});
