/**
 * Stands for "the producer was skipped and declares no default" where an argument consists of nothing but such a tag: the
 * consumer then treats the argument as not given (Argo v4.0.7 and later).
 */
export const ABSENT_OPTIONAL = '__argo-internal.absent-optional-output__';
