import { PermanentError, TransientError, UserError } from '#libs/workflow-spec';

/** The pod can never run in this runtime; `create` answers `refused` with the message and the node ends in Error. */
export class PodRefusedError extends UserError {}

/** The runtime's own means (a daemon, the disk, a process) fail at the moment; the same call is repeated later. */
export class RuntimeUnavailableError extends TransientError {}

/** No runtime works on this machine; the message says what is missing for each. */
export class NoRuntimeError extends PermanentError {}

/** The file given by `--images` cannot be used; the message names the entry. */
export class ImageCatalogueError extends UserError {}

/** What a pod waited for was not there when the pod was asked to end; the message says what the last attempt met. */
export class GivenUpError extends UserError {}
