import { UserError } from '#libs/workflow-spec';

/** A `podSpecPatch` that cannot be applied. `stage` is where Kubernetes' merge gave up. */
export class PatchError extends UserError {
  readonly stage = 'merge';
}

/** Neither the container nor its image says what to run; its end could not be waited for. */
export class PodProgramError extends UserError {
  constructor(
    readonly container: string,
    readonly image: string,
  ) {
    super(
      `container ${container}: what the image ${image} runs is not known; give a command, or the image's entrypoint in the controller's configuration`,
    );
  }
}
