import type { ClusterConnection } from './connection.js';

/** A service account of a namespace. */
export interface AccountName {
  namespace: string;
  name: string;
}

/** How the API server names a service account. */
export const accountUser = ({ namespace, name }: AccountName): string => `system:serviceaccount:${namespace}:${name}`;

/**
 * The same server, with the rights of a service account and of nobody else: every request goes as that account, and the server answers 403 where the
 * credential may not `impersonate` it. The groups of service accounts come with it. Closing is left to the connection that was given.
 */
export const actingAs = (connection: ClusterConnection, account: AccountName): ClusterConnection => ({
  namespace: () => Promise.resolve(account.namespace),
  access: async () => {
    const access = await connection.access();
    return { ...access, headers: { ...access.headers, 'Impersonate-User': accountUser(account) } };
  },
  kubeConfig: () => Promise.reject(new Error('a connection that acts as an account has no kubeconfig')),
  close: () => undefined,
});
