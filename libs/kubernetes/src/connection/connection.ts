import type { Agent as PlainAgent, OutgoingHttpHeaders } from 'node:http';
import type { KubeConfig } from '@kubernetes/client-node';

/** What one request needs. */
export interface ClusterAccess {
  /** `https://host:port`, perhaps with a path. */
  server: string;
  headers: OutgoingHttpHeaders;
  agent: PlainAgent;
}

/** Where the API server is, and how this program shows who it is. */
export interface ClusterConnection {
  /** The namespace that the credential names as its own; undefined where it names none. */
  namespace(): Promise<string | undefined>;
  /** Where the server is, headers of the credential as it is now (tokens are rotated), and the connections to send them over. */
  access(): Promise<ClusterAccess>;
  /** The same as the client library knows it; loads that library (80 MB) at the first call. */
  kubeConfig(): Promise<KubeConfig>;
  /** Ends idle connections. */
  close(): void;
}
