import { PermanentError, TransientError } from '#libs/workflow-spec';

/** A hint carries a payload that its job's schema refuses: a program of another version, or a hand-made job. */
export class HintPayloadError extends PermanentError {}

/** The program is closing and has not begun the row's run; the hint is left to another process. */
export class RowNotBegunError extends TransientError {}
