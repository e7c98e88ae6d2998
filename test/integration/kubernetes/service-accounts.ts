import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { KubernetesApi, lazyConnection } from '#libs/kubernetes';
import type { TestCluster } from '#libs/testing';

/** One line of a role as `verb group/resource`. */
export type Right = string;

interface Role {
  metadata: { name: string };
  rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
}

const rightOf = (verb: string, group: string, resource: string): Right => `${verb} ${group}/${resource}`;

/** Credentials of services that have only the rights which k8s/rbac gives them, in one namespace. */
export interface ServiceAccounts {
  /** The API server as one service may use it. */
  api(service: string): KubernetesApi;
  /** What the service has asked for, and what its role gives it. */
  used(service: string): Set<Right>;
  granted(service: string): Set<Right>;
  services: readonly string[];
  close(): Promise<void>;
}

/** Makes accounts, bindings and roles of names of their own. */
export const makeServiceAccounts = async (cluster: TestCluster, namespace: string): Promise<ServiceAccounts> => {
  const roles = readRoles();
  const folder = mkdtempSync(join(tmpdir(), 'argosy-accounts-'));
  const { api } = cluster;
  const rbac = 'rbac.authorization.k8s.io';
  const used = new Map<string, Set<Right>>();
  const apis = new Map<string, KubernetesApi>();
  for (const [service, role] of roles) {
    const name = `${role.metadata.name}-${namespace}`;
    await api.create(
      { apiVersion: 'v1', plural: 'serviceaccounts', namespace },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
    );
    await api.create(
      { apiVersion: `${rbac}/v1`, plural: 'roles', namespace },
      { apiVersion: `${rbac}/v1`, kind: 'Role', metadata: { name }, rules: role.rules },
    );
    await api.create(
      { apiVersion: `${rbac}/v1`, plural: 'rolebindings', namespace },
      {
        apiVersion: `${rbac}/v1`,
        kind: 'RoleBinding',
        metadata: { name },
        roleRef: { apiGroup: rbac, kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      },
    );
    const { status } = await api.create<{ status: { token: string } }>(
      { apiVersion: 'v1', plural: 'serviceaccounts', namespace, name, subresource: 'token' },
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
    );
    const kubeconfig = join(folder, service);
    writeFileSync(kubeconfig, stringify(withToken(readFileSync(cluster.kubeconfig, 'utf8'), status.token)));
    const rights = new Set<Right>();
    used.set(service, rights);
    apis.set(
      service,
      new KubernetesApi({
        connection: lazyConnection({ kubeconfig }),
        // What the server offers may be read by everybody.
        onCall: ({ verb, group, resource }) => void (resource === '' || rights.add(rightOf(verb, group, resource))),
      }),
    );
  }
  return {
    services: [...roles.keys()],
    api: (service) => apis.get(service)!,
    used: (service) => used.get(service)!,
    granted: (service) =>
      new Set(
        roles
          .get(service)!
          .rules.flatMap(({ apiGroups, resources, verbs }) =>
            apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => rightOf(verb, group, resource)))),
          ),
      ),
    close: async () => {
      for (const own of apis.values()) own.connection.close();
      rmSync(folder, { recursive: true, force: true });
      await Promise.resolve();
    },
  };
};

const readRoles = (): Map<string, Role> => {
  const folder = new URL('../../../k8s/rbac/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file !== 'kustomization.yaml');
  return new Map(files.map((file) => [file.replace('.yaml', ''), parse(readFileSync(new URL(file, folder), 'utf8')) as Role]));
};

const withToken = (kubeconfig: string, token: string): object => {
  const { clusters } = parse(kubeconfig) as { clusters: { name: string }[] };
  const name = clusters[0]?.name ?? '';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    users: [{ name: 'service', user: { token } }],
    contexts: [{ name: 'service', context: { cluster: name, user: 'service' } }],
    'current-context': 'service',
  };
};
