import type { KubernetesObject } from '#libs/workflow-spec';

/** What an image runs by itself. */
export interface ImageProgram {
  entrypoint?: string[];
  cmd?: string[];
}

type Program = KubernetesObject & { name: string; command?: string[]; args?: string[]; image?: string };

/** Whether nothing but the image itself says what the container runs. */
export const leavesProgramToImage = ({ command }: Pick<Program, 'command'>): boolean => (command ?? []).length === 0;

/**
 * The container with its program behind `wrapper`, which is told the container's name first. `command` replaces the image's entrypoint and its cmd, `args` its cmd alone, as Kubernetes has it.
 * Undefined where neither says what to run.
 */
export function wrappedContainer<C extends Program>(
  container: C,
  wrapper: readonly string[],
  image: ImageProgram | undefined,
): C | undefined {
  const behind = [...wrapper, container.name];
  if (!leavesProgramToImage(container)) return { ...container, command: [...behind, ...(container.command ?? [])] };
  const args = container.args ?? image?.cmd ?? [];
  const entrypoint = image?.entrypoint ?? [];
  if (image === undefined || entrypoint.length + args.length === 0) return undefined;
  return { ...container, command: [...behind, ...entrypoint], ...(args.length === 0 ? {} : { args }) };
}
