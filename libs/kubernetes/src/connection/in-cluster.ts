import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { PermanentError } from '#libs/workflow-spec';
import type { ClusterConnection } from './connection.js';

/** What the kubelet gives every pod; see `inClusterConnection`. */
export interface InClusterPlace {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. */
  host: string;
  port: string;
  /** Folder with `token`, `ca.crt` and `namespace`; default: where the kubelet mounts it. */
  folder?: string;
}

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet rotates tokens long before they end. */
const TOKEN_AGE_MS = 30_000;

/**
 * The connection of a program in a pod, by its service account. It reads the mounted files itself, so that such a program does without
 * the client library: that one takes 0.8 s and 80 MB to load. Throws PermanentError where nothing is mounted.
 */
export const inClusterConnection = ({ host, port, folder = FOLDER }: InClusterPlace): ClusterConnection => {
  const certificate = join(folder, 'ca.crt');
  if (!existsSync(certificate)) throw new PermanentError(`no service account is mounted: ${certificate} is missing`);
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 32, ca: readFileSync(certificate) });
  const namespaceFile = join(folder, 'namespace');
  let token = '';
  let readAtMs = -Infinity;
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    namespace: async () => (existsSync(namespaceFile) ? (await readFile(namespaceFile, 'utf8')).trim() : undefined),
    access: async () => {
      if (performance.now() - readAtMs > TOKEN_AGE_MS) {
        token = (await readFile(join(folder, 'token'), 'utf8')).trim();
        readAtMs = performance.now();
      }
      return { server, headers: { authorization: `Bearer ${token}` }, agent };
    },
    kubeConfig: async () => {
      const { KubeConfig } = await import('@kubernetes/client-node');
      const config = new KubeConfig();
      config.loadFromCluster();
      return config;
    },
    close: () => agent.destroy(),
  };
};
