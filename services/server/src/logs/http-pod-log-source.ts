import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { TransientError } from '#libs/workflow-spec';
import { z } from 'zod';
import type { LoggedPod, PodLogLine, PodLogOptions, PodLogSource } from '../ports.js';

/** Finds the address at which a host's pod-manager serves logs; undefined where it has none or is not known. */
export type HostAddress = (host: string) => Promise<string | undefined>;

const lineSchema = z.object({ atMs: z.number(), text: z.string(), endByte: z.number().optional() });

/** Logs from the pod-manager of the pod's host, over its internal HTTP endpoint `/logs` (one JSON line per log line). */
export class HttpPodLogSource implements PodLogSource {
  constructor(
    private readonly addressOf: HostAddress,
    private readonly token: string | undefined,
  ) {}

  async lines(pod: LoggedPod, options: PodLogOptions): Promise<AsyncIterable<PodLogLine> | undefined> {
    const address = await this.addressOf(pod.host);
    if (address === undefined) return undefined;
    const response = await this.fetch(urlOf(address, pod, options), options.signal);
    if (response.status === 404) return undefined;
    if (!response.ok || response.body === null)
      throw new TransientError(`the log service of host ${pod.host} answered ${response.status}`);
    return readLines(Readable.fromWeb(response.body), options.signal);
  }

  private async fetch(url: URL, signal: AbortSignal): Promise<Response> {
    try {
      return await fetch(url, { signal, headers: this.token === undefined ? {} : { Authorization: `Bearer ${this.token}` } });
    } catch (cause) {
      throw new TransientError("the log service of the pod's host cannot be reached", { cause });
    }
  }
}

function urlOf(address: string, pod: LoggedPod, options: PodLogOptions): URL {
  const url = new URL('/logs', address);
  const query: Record<string, string | number | boolean | undefined> = {
    workflow: pod.workflowUid,
    node: pod.nodeId,
    incarnation: pod.incarnation,
    container: options.container,
    follow: options.follow,
    tail: options.tailLines,
    since: options.sinceMs,
  };
  for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, String(value));
  return url;
}

async function* readLines(body: Readable, signal: AbortSignal): AsyncGenerator<PodLogLine> {
  try {
    for await (const line of createInterface({ input: body, crlfDelay: Infinity })) {
      if (line !== '') yield lineSchema.parse(JSON.parse(line));
    }
  } catch (cause) {
    if (!signal.aborted) throw new TransientError("the log of the pod's host broke off", { cause });
  }
}
