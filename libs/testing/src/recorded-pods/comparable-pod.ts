import type { PodManifest } from '#libs/pod-spec';
import type { KubernetesObject } from '#libs/workflow-spec';

/**
 * Brings a pod of the real controller, as the Kubernetes API stored it, and one of ours to the same form. What is taken away here is what differs by
 * design, as docs/compatibility.md lists it ("The pod"), and what the API server fills in.
 */
type Named = KubernetesObject & { name?: string };

/** Ours are lean and stage without them where no cluster is; the kubernetes runtime adds what it needs. */
const EXECUTOR_CONTAINERS = new Set<unknown>(['init', 'wait']);
const EXECUTOR_VOLUMES = new Set<unknown>([
  'var-run-argo',
  'tmp-dir-argo',
  'argo-staging',
  'input-artifacts',
  'exec-sa-token',
  'my-minio-cred',
  'my-httpbin-cred',
]);
const isExecutorVolume = ({ name }: Named): boolean => EXECUTOR_VOLUMES.has(name) || name?.startsWith('kube-api-access') === true;

/** Tracing of the controller, and a copy of the template that Argo's executor reads. */
const OTHER_VARIABLES = new Set<unknown>(['TRACEPARENT', 'TRACESTATE', 'ARGO_TEMPLATE']);
const OTHER_ANNOTATIONS = ['workflows.argoproj.io/span-id', 'workflows.argoproj.io/trace-id'];
const OUR_LABELS = /^argosy\.dev\//;

const POD_DEFAULTS: Readonly<Record<string, string>> = {
  dnsPolicy: '"ClusterFirst"',
  enableServiceLinks: 'true',
  preemptionPolicy: '"PreemptLowerPriority"',
  priority: '0',
  schedulerName: '"default-scheduler"',
  securityContext: '{}',
  serviceAccountName: '"default"',
  terminationGracePeriodSeconds: '30',
};
const CONTAINER_DEFAULTS: Readonly<Record<string, string>> = {
  resources: '{}',
  terminationMessagePath: '"/dev/termination-log"',
  terminationMessagePolicy: '"File"',
};
const PROBE_DEFAULTS: KubernetesObject = { failureThreshold: 3, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 1 };
const DEFAULT_TOLERATIONS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

const list = (value: unknown): Named[] => (Array.isArray(value) ? (value as Named[]) : []);
const without = (object: KubernetesObject, names: readonly string[]): KubernetesObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
const withoutDefaults = (object: KubernetesObject, defaults: Readonly<Record<string, string>>): KubernetesObject =>
  Object.fromEntries(Object.entries(object).filter(([name, value]) => defaults[name] !== JSON.stringify(value)));

/** The user's own command of one that Argo's emissary wraps. */
const unwrapped = (command: unknown): string[] => {
  const words = Array.isArray(command) ? (command as string[]) : [];
  return words[1] === 'emissary' ? words.slice(words.indexOf('--') + 1) : words;
};

const withRequests = (resources: KubernetesObject): KubernetesObject => ({
  ...resources,
  requests: {
    ...(resources['limits'] as KubernetesObject | undefined),
    ...(resources['requests'] as KubernetesObject | undefined),
  },
});

const comparableProbe = (probe: KubernetesObject): KubernetesObject => {
  const httpGet = probe['httpGet'] as KubernetesObject | undefined;
  return { ...PROBE_DEFAULTS, ...probe, ...(httpGet === undefined ? {} : { httpGet: { scheme: 'HTTP', ...httpGet } }) };
};

/** What ours writes of a program: where it leaves that to the image, Argo looks the image up and writes what it finds. */
interface Written {
  commands: ReadonlySet<unknown>;
  programs: ReadonlySet<unknown>;
}

const comparableContainer = (container: Named, written: Written): KubernetesObject => {
  const hasCommand = written.commands.has(container.name);
  const hasProgram = written.programs.has(container.name);
  const { command, args, env, volumeMounts, imagePullPolicy: _policy, resources, readinessProbe, ...rest } = container;
  const mounts = list(volumeMounts).filter((mount) => !isExecutorVolume(mount));
  const limits = (resources ?? {}) as KubernetesObject;
  return withoutDefaults(
    {
      ...rest,
      ...(hasCommand ? { command: unwrapped(command) } : {}),
      ...(hasProgram && args !== undefined ? { args } : {}),
      env: list(env).filter(({ name }) => !OTHER_VARIABLES.has(name)),
      volumeMounts: mounts,
      resources: Object.keys(limits).length === 0 ? {} : withRequests(limits),
      ...(readinessProbe === undefined ? {} : { readinessProbe: comparableProbe(readinessProbe as KubernetesObject) }),
    },
    CONTAINER_DEFAULTS,
  );
};

const comparableVolume = (volume: Named): KubernetesObject => {
  const kind = Object.keys(volume).find((key) => key !== 'name') ?? '';
  const source = volume[kind] as KubernetesObject;
  return { ...volume, [kind]: without(source, ['defaultMode']) };
};

const podResources = (value: unknown): KubernetesObject | undefined =>
  value === undefined ? undefined : without(value as KubernetesObject, ['requests']);

const comparable = (pod: { metadata: KubernetesObject; spec: KubernetesObject }, written: Written): KubernetesObject => {
  const { metadata, spec } = pod;
  const containers = (value: unknown): KubernetesObject[] =>
    list(value)
      .filter(({ name }) => !EXECUTOR_CONTAINERS.has(name))
      .map((container) => comparableContainer(container, written));
  const resources = podResources(spec['resources']);
  const labels = Object.entries((metadata['labels'] ?? {}) as KubernetesObject).filter(([name]) => !OUR_LABELS.test(name));
  return {
    name: metadata['name'] ?? '',
    labels: Object.fromEntries(labels),
    annotations: without((metadata['annotations'] ?? {}) as KubernetesObject, OTHER_ANNOTATIONS),
    spec: {
      ...withoutDefaults(without(spec, ['serviceAccount']), POD_DEFAULTS),
      initContainers: containers(spec['initContainers']),
      containers: containers(spec['containers']),
      volumes: list(spec['volumes'])
        .filter((volume) => !isExecutorVolume(volume))
        .map(comparableVolume),
      tolerations: list(spec['tolerations']).filter(({ key }) => !DEFAULT_TOLERATIONS.includes(String(key as string))),
      ...(resources === undefined ? {} : { resources }),
    },
  };
};

/** A recorded pod and ours in the form in which they have to be equal. */
export const comparablePods = (
  recorded: { metadata: KubernetesObject; spec: KubernetesObject },
  ours: PodManifest,
): { recorded: KubernetesObject; ours: KubernetesObject } => {
  const all = [...list(ours.spec['initContainers']), ...list(ours.spec['containers'])];
  const having = (fields: readonly string[]): ReadonlySet<unknown> =>
    new Set(all.filter((container) => fields.some((field) => list(container[field]).length > 0)).map(({ name }) => name));
  const written = { commands: having(['command']), programs: having(['command', 'args']) };
  const own = { metadata: ours.metadata as unknown as KubernetesObject, spec: ours.spec };
  return { recorded: comparable(recorded, written), ours: comparable(own, written) };
};
