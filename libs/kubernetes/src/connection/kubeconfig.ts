import type { Agent as PlainAgent } from 'node:http';
import { Agent as PlainHttpAgent } from 'node:http';
import { Agent, type RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { PermanentError } from '#libs/workflow-spec';
import type { ClusterAccess, ClusterConnection } from './connection.js';

/** For how long one answer of a credential's plugin is used; the client library keeps tokens until they end. */
const CREDENTIAL_AGE_MS = 10_000;

/**
 * The connection of the current context of a kubeconfig, by whatever credential it names (certificates, tokens, plugins, OIDC), also
 * through a proxy. Throws PermanentError where it cannot be read.
 */
export const kubeconfigConnection = async (file: string): Promise<ClusterConnection> => {
  const { KubeConfig: Config } = await import('@kubernetes/client-node');
  const config = new Config();
  try {
    config.loadFromFile(file);
  } catch (error) {
    throw new PermanentError(`the kubeconfig ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return connectionOf(config, file);
};

const connectionOf = (config: KubeConfig, file: string): ClusterConnection => {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new PermanentError(`the kubeconfig ${file} names no current context`);
  const isPlain = cluster.server.startsWith('http:');
  let agent: PlainAgent | undefined;
  const server = cluster.server.replace(/\/+$/, '');
  let access: ClusterAccess | undefined;
  let readAtMs = -Infinity;
  return {
    namespace: () => Promise.resolve(config.getContextObject(config.getCurrentContext())?.namespace),
    access: async () => {
      if (access !== undefined && performance.now() - readAtMs < CREDENTIAL_AGE_MS) return access;
      const { headers, agent: proxied, ...tls } = await credentialOf(config, isPlain);
      agent ??= cluster.proxyUrl && proxied instanceof PlainHttpAgent ? proxied : agentFor(isPlain, tls);
      access = { server, headers, agent };
      readAtMs = performance.now();
      return access;
    },
    kubeConfig: () => Promise.resolve(config),
    close: () => agent?.destroy(),
  };
};

const agentFor = (isPlain: boolean, tls: object): PlainAgent =>
  isPlain ? new PlainHttpAgent({ keepAlive: true }) : new Agent({ keepAlive: true, maxFreeSockets: 32, ...tls });

const credentialOf = async (config: KubeConfig, isPlain: boolean) => {
  const options: RequestOptions = {};
  // The client library takes plain HTTP only where verification is off; a local proxy (`kubectl proxy`) has no credential to keep.
  if (!isPlain) await config.applyToHTTPSOptions(options);
  const { ca, cert, key, rejectUnauthorized, servername, agent, auth } = options;
  const headers = { ...(options.headers as Record<string, string> | undefined) };
  if (auth) headers['Authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  const tls = Object.fromEntries(
    Object.entries({ ca, cert, key, rejectUnauthorized, servername }).filter(([, value]) => value !== undefined),
  );
  return { headers, agent, ...tls };
};
