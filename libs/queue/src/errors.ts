import { PermanentError } from '#libs/workflow-spec';

/** A hint carries a payload that its job's schema refuses: a program of another version, or a hand-made job. */
export class HintPayloadError extends PermanentError {}
