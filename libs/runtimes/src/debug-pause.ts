/** Variables of Argo that let a container wait for somebody who looks into it, and the files that let it go on. */
const MARKERS = { before: 'ARGO_DEBUG_PAUSE_BEFORE', after: 'ARGO_DEBUG_PAUSE_AFTER' } as const;
const FOLDER = '/var/run/argo/ctr';

/** The file for which a container waits before its program, or after it; absent: it does not wait. */
export interface DebugPause {
  before?: string;
  after?: string;
}

/** Whether a container is to wait, by its environment: `true` and nothing else counts, as in Argo. */
export function debugPauseOf(container: string, environment: ReadonlyMap<string, string>): DebugPause {
  const asked = (['before', 'after'] as const).filter((moment) => environment.get(MARKERS[moment]) === 'true');
  return Object.fromEntries(asked.map((moment) => [moment, `${FOLDER}/${container}/${moment}`]));
}
