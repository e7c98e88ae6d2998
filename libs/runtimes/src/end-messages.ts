/** Argo's words for how a pod ended (workflow/controller/operator.go inferFailedReason; kubelet for the deadline). */
export const DEADLINE_MESSAGE = 'Pod was active on the node longer than the specified deadline';

/** The message of a failed `main`, as Argo composes it of container name, reason and exit code. */
export function exitMessage(exitCode: number, reason = 'Error'): string {
  return `main: ${reason} (exit code ${exitCode})`;
}

/** The message where the program's name is in no folder of PATH (Argo v4.1 workflow/executor/emissary; Go's exec.LookPath). */
export function absentMessage(exitCode: number, program: string): string {
  return `${exitMessage(exitCode)}: failed to find name in PATH: exec: ${JSON.stringify(program)}: executable file not found in $PATH`;
}

/** The message of a pod that is ended because the runtime itself met an error that it does not know. */
export function brokenCourseMessage(error: unknown): string {
  return `the pod could not be followed: ${error instanceof Error ? error.message : String(error)}`;
}
