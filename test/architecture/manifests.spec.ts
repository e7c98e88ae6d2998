import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { JobCatalogue } from '#libs/jobs';
import { Metrics, showBacklogs } from '#libs/observability';
import { artifactRepositoryFromText } from '#libs/program';
import {
  LIBRARY_VARIABLES,
  programConfigs,
  type ProgramConfigSchema,
  root,
  serviceOfEntry,
  withSecretsInPlace,
} from './program-configs.js';

const labels = z.record(z.string(), z.string());
const metadata = z.strictObject({ name: z.string(), labels: labels.optional() });
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port: z.string() }),
  periodSeconds: z.int(),
  timeoutSeconds: z.int().optional(),
  failureThreshold: z.int().optional(),
});
const containerSchema = z.strictObject({
  name: z.string(),
  image: z.enum(['argosy', 'argosy-host']),
  imagePullPolicy: z.string(),
  args: z.array(z.string()).length(1),
  envFrom: z.array(z.strictObject({ configMapRef: z.strictObject({ name: z.string() }) })),
  env: z.array(z.strictObject({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() })),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  lifecycle: z.strictObject({ preStop: z.strictObject({ exec: z.strictObject({ command: z.array(z.string()) }) }) }).optional(),
  resources: z.strictObject({
    requests: z.strictObject({ cpu: z.string(), memory: z.string() }),
    limits: z.strictObject({ memory: z.string() }),
  }),
  securityContext: z.record(z.string(), z.unknown()),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() })),
});
const secretVolume = z.strictObject({
  secretName: z.string(),
  defaultMode: z.int(),
  items: z.array(z.strictObject({ key: z.string(), path: z.string() })).optional(),
});
const podSchema = z.strictObject({
  serviceAccountName: z.string(),
  automountServiceAccountToken: z.literal(false),
  terminationGracePeriodSeconds: z.int().min(30),
  securityContext: z.record(z.string(), z.unknown()).optional(),
  topologySpreadConstraints: z.array(z.object({ labelSelector: z.strictObject({ matchLabels: labels }) })).optional(),
  containers: z.array(containerSchema).length(1),
  volumes: z.array(z.strictObject({ name: z.string(), secret: secretVolume.optional(), emptyDir: z.unknown().optional() })),
});
const workloadSchema = z.object({
  metadata,
  spec: z.object({
    replicas: z.int().min(2).optional(),
    selector: z.strictObject({ matchLabels: labels }),
    template: z.strictObject({ metadata: z.strictObject({ labels }), spec: podSchema }),
    volumeClaimTemplates: z.array(z.object({ metadata: z.object({ name: z.string() }) })).default([]),
  }),
});
const kustomizationSchema = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  namespace: z.literal('argosy').optional(),
  resources: z.array(z.string()),
  patches: z.array(z.strictObject({ path: z.string() })).default([]),
  images: z
    .array(z.strictObject({ name: z.enum(['argosy', 'argosy-host']), newName: z.string(), newTag: z.string() }))
    .optional(),
});

interface Manifest {
  path: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

const k8s = join(root, 'k8s');
/** What makes the services programs of a cluster, put together of the rest: overlays.spec.ts. */
const ON_CLUSTERS = new Set(['cluster-pods', 'cluster-rights', 'namespace-rights', 'overlays', 'rbac', 'workflow-rights']);
const folders = readdirSync(k8s, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !ON_CLUSTERS.has(entry.name))
  .map(({ name }) => name);
const readDocuments = (path: string): unknown[] =>
  parseAllDocuments(readFileSync(join(k8s, path), 'utf8')).map((document) => {
    expect(document.errors, path).toEqual([]);
    return document.toJS() as unknown;
  });
const isKustomization = (file: string): boolean => file === 'kustomization.yaml';
const manifests = folders.flatMap((folder) =>
  readdirSync(join(k8s, folder))
    .filter((file) => !isKustomization(file))
    .flatMap((file) =>
      readDocuments(`${folder}/${file}`).map((document): Manifest => ({ ...(document as Manifest), path: `${folder}/${file}` })),
    ),
);
const kustomizations = new Map(
  folders.map((folder) => [folder, kustomizationSchema.parse(readDocuments(`${folder}/kustomization.yaml`)[0])]),
);
const ofKind = (...kinds: string[]): Manifest[] => manifests.filter(({ kind }) => kinds.includes(kind));
const workloads = ofKind('Deployment', 'StatefulSet').map((manifest) => ({
  path: manifest.path,
  kind: manifest.kind,
  ...workloadSchema.parse(manifest),
}));
type Workload = (typeof workloads)[number];
const containerOf = (workload: Workload) => workload.spec.template.spec.containers[0]!;
const serviceOf = (workload: Workload): string => serviceOfEntry(containerOf(workload).args[0] ?? '') ?? '';
const settings = manifests.find(({ path }) => path === 'shared/settings.yaml')?.data as Record<string, string>;

const matches = (selector: Record<string, string>, given: Record<string, string>): boolean =>
  Object.entries(selector).every(([key, value]) => given[key] === value);
const podLabels = workloads.map(({ spec }) => spec.template.metadata.labels);

describe('manifests for Kubernetes', () => {
  let configs: Map<string, ProgramConfigSchema>;
  beforeAll(async () => {
    configs = await programConfigs();
  });
  const environmentOf = (workload: Workload): Record<string, string> => ({
    ...settings,
    ...Object.fromEntries(containerOf(workload).env.map(({ name, value }) => [name, value ?? 'from-the-pod'])),
  });
  const loaded = (workload: Workload): Record<string, unknown> =>
    configs.get(serviceOf(workload))!.load(withSecretsInPlace(environmentOf(workload)));

  it('are listed by a kustomization each, and every file that is listed is there', () => {
    for (const [folder, { resources, patches }] of kustomizations) {
      const listed = [...resources, ...patches.map(({ path }) => path)];
      const files = readdirSync(join(k8s, folder)).filter((file) => !isKustomization(file));
      expect(listed.filter((entry) => !entry.startsWith('../')).sort(), folder).toEqual(files.sort());
      for (const entry of listed) expect(existsSync(join(k8s, folder, entry)), `${folder}/${entry}`).toBe(true);
    }
  });

  it('hold every service but the privileged pod-manager in the default', () => {
    const base = kustomizations.get('base')!.resources.map((entry) => entry.slice('../'.length));
    const rest = folders.filter((folder) => !['base', 'crds', 'monitoring', 'pod-manager', 'sandbox-pods'].includes(folder));
    expect(base.sort()).toEqual(rest.sort());
    expect(kustomizations.get('sandbox-pods')!.resources).toEqual(['../base', '../pod-manager']);
    expect(workloads.map(serviceOf).sort()).toEqual([
      'archiver',
      'artifact-gc',
      'offloader',
      'pod-manager',
      'scheduler',
      'server',
    ]);
  });

  it('start only programs that there are, in a folder of their name', () => {
    for (const workload of workloads) {
      const service = serviceOf(workload);
      expect(existsSync(join(root, 'services', service, 'src', 'main.ts')), workload.path).toBe(true);
      expect(workload.path.split('/')[0]).toBe(service);
      expect(workload.metadata.name).toBe(`argosy-${service}`);
      expect(containerOf(workload).image).toBe(service === 'pod-manager' ? 'argosy-host' : 'argosy');
    }
  });

  it('give each program only variables that it reads, and such that it accepts', () => {
    for (const workload of workloads) {
      const known = configs.get(serviceOf(workload))!.variables;
      const names = containerOf(workload).env.map(({ name }) => name);
      expect(
        names.filter((name) => !known.has(name) && !LIBRARY_VARIABLES.has(name)),
        workload.path,
      ).toEqual([]);
      expect(() => loaded(workload), workload.path).not.toThrow();
    }
    const anywhere = new Set([...configs.values()].flatMap(({ variables }) => [...variables]));
    expect(Object.keys(settings).filter((name) => !anywhere.has(name))).toEqual([]);
    expect(artifactRepositoryFromText(settings.ARTIFACT_REPOSITORY)?.location).toHaveProperty('s3');
  });

  it('mount the file of every variable that names one', () => {
    for (const workload of workloads) {
      const { volumes } = workload.spec.template.spec;
      const { volumeMounts, env } = containerOf(workload);
      const claims = workload.spec.volumeClaimTemplates.map((claim) => claim.metadata.name);
      expect(volumeMounts.map(({ name }) => name).sort(), workload.path).toEqual(
        [...volumes.map(({ name }) => name), ...claims].sort(),
      );
      const files = volumes.flatMap(({ name, secret }) => {
        const folder = volumeMounts.find((mount) => mount.name === name)?.mountPath ?? '';
        if (secret === undefined) return [];
        return secret.items?.map(({ path }) => `${folder}/${path}`) ?? [`${folder}/credentials`];
      });
      expect(
        env
          .filter(({ name }) => name.endsWith('_FILE'))
          .map(({ value }) => value)
          .sort(),
        workload.path,
      ).toEqual(files.sort());
    }
  });

  it('probe readiness and life on ports that the program listens on', () => {
    for (const workload of workloads) {
      const { ports, readinessProbe, livenessProbe, startupProbe } = containerOf(workload);
      const { port, logPort, metricsPort } = loaded(workload);
      const wanted = { api: port, logs: logPort, metrics: metricsPort };
      for (const { name, containerPort } of ports) expect(containerPort, workload.path).toBe(wanted[name as keyof typeof wanted]);
      // The API takes workflows while the queue is away, of which the other one tells too.
      expect(readinessProbe.httpGet).toEqual({ path: '/readyz', port: serviceOf(workload) === 'server' ? 'api' : 'metrics' });
      for (const { httpGet } of [livenessProbe, startupProbe]) expect(httpGet).toEqual({ path: '/healthz', port: 'metrics' });
      expect(ports.map(({ name }) => name)).toContain('metrics');
    }
  });

  it('let the program behind the service of the API answer until nobody is sent to it any more', () => {
    const server = workloads.find((workload) => serviceOf(workload) === 'server')!;
    const { command } = containerOf(server).lifecycle!.preStop.exec;
    // There is no shell in its image.
    expect(command.slice(0, 2)).toEqual(['node', '-e']);
    const waitMs = Number(/^setTimeout\(\(\) => \{\}, ([\d_]+)\)$/.exec(command[2] ?? '')?.[1]?.replaceAll('_', ''));
    const graceMs = server.spec.template.spec.terminationGracePeriodSeconds * 1_000;
    expect(waitMs).toBeGreaterThanOrEqual(5_000);
    expect(graceMs - waitMs).toBeGreaterThanOrEqual(30_000);
  });

  it('select the pods that they mean', () => {
    for (const { path, spec } of workloads) {
      expect(matches(spec.selector.matchLabels, spec.template.metadata.labels), path).toBe(true);
      for (const { labelSelector } of spec.template.spec.topologySpreadConstraints ?? [])
        expect(matches(labelSelector.matchLabels, spec.template.metadata.labels), path).toBe(true);
    }
    for (const service of ofKind('Service')) {
      const { selector, ports } = service.spec as {
        selector: Record<string, string>;
        ports: { port: number; targetPort: string }[];
      };
      const [target, ...others] = workloads.filter(({ spec }) => matches(selector, spec.template.metadata.labels));
      expect(others, service.path).toEqual([]);
      for (const { port, targetPort } of ports)
        expect(containerOf(target!).ports, service.path).toContainEqual({ name: targetPort, containerPort: port });
    }
  });

  it('have a budget for disruptions, an account without rights and, where there is a queue, an autoscaler for each workload', async () => {
    const metrics = new Metrics();
    showBacklogs(metrics, () => Promise.resolve(new Map([['workflow', { waitingCount: 1, ageMs: 1_000 }]])));
    const shown = await metrics.text();
    for (const workload of workloads) {
      const folder = workload.path.split('/')[0];
      const inFolder = (kind: string): Manifest[] => ofKind(kind).filter(({ path }) => path.startsWith(`${folder}/`));
      const budgets = inFolder('PodDisruptionBudget').map(
        ({ spec }) => spec as { selector: { matchLabels: Record<string, string> } },
      );
      expect(budgets, workload.path).toHaveLength(1);
      expect(matches(budgets[0]!.selector.matchLabels, workload.spec.template.metadata.labels)).toBe(true);
      expect(inFolder('ServiceAccount').map(({ metadata: { name } }) => name)).toEqual([
        workload.spec.template.spec.serviceAccountName,
      ]);
      const scalers = inFolder('HorizontalPodAutoscaler');
      expect(scalers, workload.path).toHaveLength(workload.kind === 'Deployment' ? 1 : 0);
      // A number beside that of the autoscaler would be fought over whenever the manifests are applied again.
      expect(workload.spec.replicas === undefined, workload.path).toBe(scalers.length > 0);
      for (const { spec } of scalers) {
        expect((spec as { minReplicas: number }).minReplicas).toBeGreaterThanOrEqual(2);
        expect(spec).toMatchObject({ scaleTargetRef: { kind: 'Deployment', name: workload.metadata.name } });
        const [metric] = (
          spec as { metrics: { external?: { metric: { name: string; selector: { matchLabels: { queue_name: string } } } } }[] }
        ).metrics;
        if (metric?.external === undefined) continue;
        const { name, selector } = metric.external.metric;
        expect(shown).toContain(`${name}{`);
        const job = Object.values(JobCatalogue).find(({ queue }) => queue === selector.matchLabels.queue_name);
        expect(job?.consumer, workload.path).toBe(folder);
      }
    }
    expect(ofKind('Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding')).toEqual([]);
  });

  it('run without privileges, but for the pod-manager that is not in the default', () => {
    for (const workload of workloads) {
      const { securityContext } = containerOf(workload);
      if (serviceOf(workload) === 'pod-manager') {
        expect(securityContext.privileged).toBe(true);
        continue;
      }
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(workload.spec.template.spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
    }
  });

  it('open the network only for pods and ports that there are', () => {
    const known = new Set([
      ...workloads.flatMap((workload) => containerOf(workload).ports.map(({ containerPort }) => containerPort)),
      53,
      443,
      5432,
      6379,
    ]);
    for (const { path, spec } of ofKind('NetworkPolicy')) {
      const text = JSON.stringify(spec);
      for (const [, port] of text.matchAll(/"port":(\d+)/g)) expect(known, path).toContain(Number(port));
      for (const [, name] of text.matchAll(/"app.kubernetes.io\/name":"([a-z-]+)"/g))
        expect(
          podLabels.some((given) => given['app.kubernetes.io/name'] === name),
          `${path}: ${name}`,
        ).toBe(true);
    }
  });
});
