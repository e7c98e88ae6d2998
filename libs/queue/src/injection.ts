/** Nest token of the program's JobQueue port. */
export const JOB_QUEUE = Symbol('JobQueue');
