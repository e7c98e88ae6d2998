import type { Command } from '#libs/engine';
import { strategicMergePatch } from '#libs/pod-spec';
import type { Container, ControllerConfig, KubernetesObject, ScriptTemplate, Template } from '#libs/workflow-spec';

/** What the controller's ConfigMap says of containers: entrypoints of images, and the fragment below every main container. */
export type ContainerDefaults = Pick<ControllerConfig, 'images' | 'mainContainer'>;

type AnyContainer = Container | ScriptTemplate;

/** As Argo's lookup of entrypoints: only where the container names no command of its own. */
const withEntrypoint = <Given extends AnyContainer>(container: Given, { images }: ContainerDefaults): Given => {
  const known = container.image === undefined ? undefined : images?.[container.image];
  if (known === undefined || (container.command?.length ?? 0) > 0) return container;
  const args = container.args ?? [];
  return {
    ...container,
    ...(known.entrypoint === undefined ? {} : { command: known.entrypoint }),
    ...(args.length === 0 && known.cmd !== undefined ? { args: known.cmd } : {}),
  };
};

/** The fragment below what the container says, merged as Kubernetes merges containers: maps by key, lists of named things by name. */
const aboveFragment = <Given extends AnyContainer>(container: Given, { mainContainer }: ContainerDefaults): Given => {
  if (mainContainer === undefined) return container;
  const { name: _name, image: _image, command: _command, args: _args, ...fragment } = mainContainer;
  return strategicMergePatch(fragment, container as unknown as KubernetesObject, 'Container') as unknown as Given;
};

const main = <Given extends AnyContainer>(container: Given, defaults: ContainerDefaults): Given =>
  withEntrypoint(aboveFragment(container, defaults), defaults);

const templateOf = (template: Template, defaults: ContainerDefaults): Template => {
  const { container, script, sidecars, initContainers } = template;
  return {
    ...template,
    ...(container === undefined ? {} : { container: main(container, defaults) }),
    ...(script === undefined ? {} : { script: aboveFragment(script, defaults) }),
    ...(sidecars === undefined ? {} : { sidecars: sidecars.map((sidecar) => withEntrypoint(sidecar, defaults)) }),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map((init) => withEntrypoint(init, defaults)) }),
  };
};

/** The commands with the controller's word on containers in the pods that they order; the same list where it has none. */
export const withContainerDefaults = (commands: readonly Command[], defaults: ContainerDefaults): readonly Command[] => {
  if (defaults.images === undefined && defaults.mainContainer === undefined) return commands;
  return commands.map((command) =>
    command.type === 'runPod'
      ? { ...command, order: { ...command.order, template: templateOf(command.order.template, defaults) } }
      : command,
  );
};
