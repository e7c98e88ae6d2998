import type { Agent as PlainAgent, OutgoingHttpHeaders } from 'node:http';
import type { KubeConfig } from '@kubernetes/client-node';

/** Where the API server is, and how this program shows who it is. */
export interface ClusterConnection {
  /** `https://host:port`, perhaps with a path. */
  readonly server: string;
  /** The namespace that the credential names as its own; undefined where it names none. */
  readonly namespace: string | undefined;
  /** Headers of the credential as it is now (tokens are rotated), and the connections to send them over. */
  access(): Promise<{ headers: OutgoingHttpHeaders; agent: PlainAgent }>;
  /** The same as the client library knows it; loads that library (80 MB) at the first call. */
  kubeConfig(): Promise<KubeConfig>;
  /** Ends idle connections. */
  close(): void;
}
