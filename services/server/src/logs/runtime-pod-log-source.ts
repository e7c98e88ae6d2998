import type { LoggedPod, PodLogLine, PodLogOptions, PodLogSource } from '../ports.js';

/** The part of a pod runtime that gives logs. */
export interface LoggingRuntime {
  logs(
    identity: { workflowUid: string; nodeId: string; incarnation: number },
    options: { container?: string; follow?: boolean; tailLines?: number; sinceMs?: number; signal?: AbortSignal },
  ): AsyncIterable<PodLogLine>;
}

/** Logs where the runtime lives in this process. */
export class RuntimePodLogSource implements PodLogSource {
  constructor(private readonly runtime: LoggingRuntime) {}

  async lines({ workflowUid, nodeId, incarnation }: LoggedPod, options: PodLogOptions): Promise<AsyncIterable<PodLogLine>> {
    return this.runtime.logs({ workflowUid, nodeId, incarnation }, options);
  }
}
