import { UserError } from '#libs/workflow-spec';

/** A `podSpecPatch` that cannot be applied. `stage` is where Kubernetes' merge gave up. */
export class PatchError extends UserError {
  readonly stage = 'merge';
}
