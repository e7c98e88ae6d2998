import type { PodManifest } from '#libs/pod-spec';
import type { Container } from '#libs/workflow-spec';

import { PodRefusedError } from './errors.js';
import type { ImageEntry } from './image-catalogue.js';

/**
 * The program and its arguments as Kubernetes combines them: `command` replaces the image's entrypoint and its cmd, `args`
 * replaces the cmd only. Throws PodRefusedError where neither the container nor the image says what to run.
 */
export function commandLine(main: Container, image: ImageEntry | undefined): string[] {
  const command = main.command ?? [];
  if (command.length > 0) return [...command, ...(main.args ?? [])];
  const entrypoint = image?.entrypoint ?? [];
  const args = main.args ?? image?.cmd ?? [];
  // An image that has a cmd only: args replace it, and then the args are the program, as with any container engine.
  const line = [...entrypoint, ...args];
  if (image === undefined || line.length === 0) {
    throw new PodRefusedError(`image ${main.image ?? '(none)'}: no entrypoint known; give command or --images`);
  }
  return line;
}

/** Seconds that `main` may run, counted from its start (`activeDeadlineSeconds` of the pod); undefined for no limit. */
export function activeDeadlineSeconds(manifest: PodManifest): number | undefined {
  const seconds = manifest.spec.activeDeadlineSeconds;
  return typeof seconds === 'number' ? seconds : undefined;
}
