/** How far the deletion of a workflow's artifacts is: strategies that have been carried out, and why one of them does not get on. */
export interface ArtifactGcReport {
  strategies: readonly string[];
  /** Argo's words; absent: nothing fails (any more). */
  error?: string;
}
