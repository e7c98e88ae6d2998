import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { LIBRARY_VARIABLES, programConfigs, root, serviceOfEntry, withSecretsInPlace } from './program-configs.js';

interface Kustomization {
  resources: string[];
  patches?: { path?: string; patch?: string; target?: object }[];
}
interface Container {
  image: string;
  args: string[];
  env: { name: string; value?: string }[];
  securityContext: object;
}
interface Role {
  metadata: { name: string };
  rules: { resources: string[]; verbs: string[] }[];
}
interface Binding {
  kind: string;
  metadata: { name: string; namespace?: string };
  roleRef: { kind: string; name: string };
  subjects: { kind: string; name: string; namespace: string }[];
}

const k8s = join(root, 'k8s');
const read = <Shape>(path: string): Shape => parse(readFileSync(join(k8s, path), 'utf8')) as Shape;
const readAll = <Shape>(path: string): Shape[] =>
  parseAllDocuments(readFileSync(join(k8s, path), 'utf8')).map((document) => document.toJS() as Shape);
const folders = [
  'cluster-pods',
  'cluster-rights',
  'namespace-rights',
  'workflow-rights',
  ...readdirSync(join(k8s, 'overlays')).map((name) => `overlays/${name}`),
];
const roles = readdirSync(join(k8s, 'rbac'))
  .filter((file) => file !== 'kustomization.yaml')
  .map((file) => read<Role>(`rbac/${file}`));

describe('installations on a cluster', () => {
  it('are there for a look, for a cluster, beside Argo and for one namespace', () => {
    expect(folders.filter((folder) => folder.startsWith('overlays/')).sort()).toEqual(
      ['beside-argo', 'namespaced', 'production', 'quickstart'].map((name) => `overlays/${name}`),
    );
  });

  it.each(folders)('%s lists what is there, and all that is there', (folder) => {
    const { resources, patches = [] } = read<Kustomization>(`${folder}/kustomization.yaml`);
    const listed = [...resources, ...patches.flatMap(({ path }) => path ?? [])];
    for (const entry of listed) expect(existsSync(join(k8s, normalize(`${folder}/${entry}`))), entry).toBe(true);
    const files = readdirSync(join(k8s, folder)).filter((file) => file !== 'kustomization.yaml');
    expect([...new Set(listed.filter((entry) => !entry.startsWith('..')))].sort()).toEqual(files.sort());
  });

  it('give the pod-manager only variables that it reads, and no rights on its node', async () => {
    const workload = read<{ spec: { template: { spec: { containers: Container[] } } } }>('cluster-pods/stateful-set.yaml');
    const [container] = workload.spec.template.spec.containers as [Container];
    const service = serviceOfEntry(container.args[0] ?? '') ?? '';
    expect(service).toBe('pod-manager');
    const config = (await programConfigs()).get(service)!;
    const text = JSON.stringify(container.env);
    const unknown = container.env.filter(
      ({ name }) => !config.variables.has(name) && !LIBRARY_VARIABLES.has(name) && !text.includes(`$(${name})`),
    );
    expect(unknown).toEqual([]);
    const settings = {
      ...read<{ data: object }>('shared/settings.yaml').data,
      ...read<{ data: object }>('cluster-pods/settings.yaml').data,
    };
    const given = Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? 'from-the-pod']));
    expect(config.load(withSecretsInPlace({ ...settings, ...given }))).toMatchObject({
      runtime: 'kubernetes',
      resources: 'kubernetes',
      executorImage: 'argosy-executor:local',
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('give whoever opens artifacts itself the account of the object store, the pod-manager too', () => {
    const opening = readdirSync(join(root, 'services')).filter((service) => {
      const main = join(root, 'services', service, 'src/main.ts');
      return existsSync(main) && readFileSync(main, 'utf8').includes('openArtifactDrivers');
    });
    expect(opening).toContain('pod-manager');
    for (const service of opening) {
      const file = service === 'pod-manager' ? 'cluster-pods/stateful-set.yaml' : `${service}/deployment.yaml`;
      const { containers, volumes } = read<{ spec: { template: { spec: { containers: Container[]; volumes: object[] } } } }>(file)
        .spec.template.spec;
      expect(containers[0]?.env, file).toContainEqual({
        name: 'AWS_SHARED_CREDENTIALS_FILE',
        value: '/run/secrets/s3/credentials',
      });
      expect(volumes, file).toContainEqual({
        name: 's3',
        secret: expect.objectContaining({ secretName: 'argosy-s3' }) as unknown,
      });
    }
  });

  it('let logs be read of pod-managers that wait for Postgres or the queue', () => {
    expect(read<{ spec: object }>('cluster-pods/service.yaml').spec).toMatchObject({
      clusterIP: 'None',
      publishNotReadyAddresses: true,
    });
  });

  it('set only variables that some program reads', async () => {
    const known = new Set([...(await programConfigs()).values()].flatMap(({ variables }) => [...variables]));
    for (const file of [
      'cluster-pods/settings.yaml',
      'overlays/beside-argo/instance.yaml',
      'overlays/namespaced/settings.yaml',
      'overlays/quickstart/settings.yaml',
    ])
      expect(
        Object.keys(read<{ data: object }>(file).data).filter((name) => !known.has(name)),
        file,
      ).toEqual([]);
  });

  it('bind every role to the account of its program, and no other', () => {
    for (const [folder, kind, roleKind] of [
      ['cluster-rights', 'ClusterRoleBinding', 'ClusterRole'],
      ['namespace-rights', 'RoleBinding', 'Role'],
    ] as const) {
      const bindings = readAll<Binding>(`${folder}/bindings.yaml`);
      expect(bindings.map(({ roleRef }) => roleRef.name).sort()).toEqual(roles.map(({ metadata }) => metadata.name).sort());
      for (const binding of bindings) {
        expect(binding.kind).toBe(kind);
        expect(binding.roleRef.kind).toBe(roleKind);
        expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: binding.roleRef.name, namespace: 'argosy' }]);
      }
    }
  });

  it("hold what every cluster takes: definitions may be Argo's, and there may be no Prometheus operator", () => {
    for (const name of ['production', 'beside-argo', 'namespaced'])
      expect(read<Kustomization>(`overlays/${name}/kustomization.yaml`).resources.sort(), name).toEqual([
        '../../cluster-pods',
        name === 'namespaced' ? '../../namespace-rights' : '../../cluster-rights',
      ]);
  });

  it('give nobody every verb or every kind', () => {
    for (const { metadata, rules } of roles)
      for (const { resources, verbs } of rules) expect([...resources, ...verbs], metadata.name).not.toContain('*');
  });
});
