/** Argo's words for how a pod ended (workflow/controller/operator.go inferFailedReason; kubelet for the deadline). */
export const DEADLINE_MESSAGE = 'Pod was active on the node longer than the specified deadline';

/** The message of a pod that failed because of this container, as Argo composes it of container name, reason and exit code. */
export function exitMessage(exitCode: number, reason = 'Error', container = 'main'): string {
  return `${container}: ${reason} (exit code ${exitCode})`;
}

/** The message of the node of a container in a set: reason, exit code, and what the container left as its message. */
export function containerMessage(exitCode: number, reason = 'Error', detail = ''): string {
  return `${reason} (exit code ${exitCode}): ${detail}`;
}

/** What the executor leaves where the program's name is in no folder of PATH (Argo v4.1 emissary; Go's exec.LookPath). */
export function absentDetail(program: string): string {
  return `failed to find name in PATH: exec: ${JSON.stringify(program)}: executable file not found in $PATH`;
}

/** Whether the end of a container that is no main counts: one that was ended by TERM or KILL does not (Argo v4.1, sidecars). */
export function isSidecarFailure(exitCode: number): boolean {
  return exitCode !== 0 && exitCode !== 137 && exitCode !== 143;
}

/** The message of a pod that is ended because the runtime itself met an error that it does not know. */
export function brokenCourseMessage(error: unknown): string {
  return `the pod could not be followed: ${error instanceof Error ? error.message : String(error)}`;
}
