import { AnnotationName, type EnvVar, parseGoDuration, type Template, UserError } from '#libs/workflow-spec';

/** Where a program writes its progress (`ARGO_PROGRESS_FILE`), as its container sees it. */
export const PROGRESS_FILE = '/var/run/argo/progress';

/** Variable that says how often progress is told: by default Argo's minute. */
const TICK = { variable: 'ARGO_PROGRESS_PATCH_TICK_DURATION', byDefaultMs: 60_000 } as const;

/**
 * Whether a template may tell its progress: it names the file or the variable, or says in its annotation where it begins. Others are not followed, as that takes a
 * container beside them.
 */
export function tellsProgress({ metadata, container, script, containerSet }: Template): boolean {
  if (metadata?.annotations?.[AnnotationName.progress] !== undefined) return true;
  const text = JSON.stringify([container, script, containerSet]);
  return text.includes('ARGO_PROGRESS_') || text.includes(PROGRESS_FILE);
}

/** Seconds between two looks at what a container with these variables says of its progress, at least 1. */
export function progressSeconds(environment: readonly EnvVar[]): number {
  const written = environment.findLast(({ name }) => name === TICK.variable)?.value ?? '';
  try {
    return Math.max(1, Math.round((parseGoDuration(written) || TICK.byDefaultMs) / 1_000));
  } catch (error) {
    if (error instanceof UserError) return TICK.byDefaultMs / 1_000;
    throw error;
  }
}
