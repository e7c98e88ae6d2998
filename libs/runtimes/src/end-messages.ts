/** Argo's words for how a pod ended (workflow/controller/operator.go inferFailedReason; kubelet for the deadline). */
export const DEADLINE_MESSAGE = 'Pod was active on the node longer than the specified deadline';

/** The message of a failed `main`, as Argo composes it of container name, reason and exit code. */
export function exitMessage(exitCode: number, reason = 'Error'): string {
  return `main: ${reason} (exit code ${exitCode})`;
}
