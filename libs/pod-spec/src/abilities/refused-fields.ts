import type { Container, KubernetesObject, Template, WorkflowSpec } from '#libs/workflow-spec';
import type { RuntimeAbilities } from './runtime-abilities.js';
import { securityProblem } from './security-problem.js';

type Written = Container | undefined;

const objectsOf = (value: unknown): KubernetesObject[] => (Array.isArray(value) ? (value as KubernetesObject[]) : []);
const isLiteral = (value: unknown): value is string => typeof value === 'string' && !value.includes('{{');
const actionOf = (action: object, known: readonly string[]): string | undefined =>
  Object.keys(action).find((name) => !known.includes(name));
const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe'];
/** Fields of a probe that are no action. */
const PROBE_SETTINGS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
  'terminationGracePeriodSeconds',
];

const isBelow = (wanted: string, folder: string): boolean =>
  wanted === folder || wanted.startsWith(`${folder.replace(/\/$/, '')}/`);

const volumeProblems = (volumes: unknown, abilities: RuntimeAbilities): string[] =>
  objectsOf(volumes).flatMap((volume, index) => {
    const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';
    const place = `volumes[${index}].${kind}`;
    if (!abilities.volumeKinds.includes(kind)) return [`${place} is not supported by ${abilities.title}`];
    const wanted = (volume['hostPath'] as { path?: unknown } | undefined)?.path;
    if (kind !== 'hostPath' || !isLiteral(wanted)) return [];
    const isAllowed = abilities.hostPaths.some((folder) => isBelow(wanted.replace(/(.)\/+$/, '$1'), folder));
    return isAllowed ? [] : [`${place}: ${wanted} is not allowed on this host (setting hostPaths)`];
  });

const containerProblems = (container: Written, ofPod: KubernetesObject, abilities: RuntimeAbilities): string[] => {
  if (container === undefined) return [];
  const { title } = abilities;
  const own = (container['securityContext'] ?? {}) as KubernetesObject;
  const security = securityProblem({ ...ofPod, ...own }, abilities);
  const hooks = Object.entries((container['lifecycle'] ?? {}) as Record<string, object>).flatMap(([name, hook]) => {
    const action = actionOf(hook ?? {}, [...abilities.hooks, 'stopSignal']);
    return action === undefined ? [] : [`lifecycle.${name}.${action} is not supported by ${title}`];
  });
  const probes = PROBES.flatMap((name) => {
    const action = actionOf(container[name] ?? {}, [...abilities.probes, ...PROBE_SETTINGS]);
    return action === undefined ? [] : [`${name}.${action} is not supported by ${title}`];
  });
  return [
    ...(container['tty'] === true && !abilities.tty ? [`tty is not supported by ${title}`] : []),
    ...(objectsOf(container['volumeDevices']).length > 0 ? [`volumeDevices is not supported by ${title}`] : []),
    ...(security === undefined ? [] : [`securityContext.${security}`]),
    ...hooks,
    ...probes,
  ];
};

const under = (place: string, problems: readonly string[]): string[] => problems.map((problem) => `${place}.${problem}`);

const programsOf = (template: Template): [string, Written][] => [
  ['container', template.container],
  ['script', template.script],
  ...(template.containerSet?.containers ?? []).map((each, index): [string, Written] => [
    `containerSet.containers[${index}]`,
    each,
  ]),
  ...(template.initContainers ?? []).map((each, index): [string, Written] => [`initContainers[${index}]`, each]),
  ...(template.sidecars ?? []).map((each, index): [string, Written] => [`sidecars[${index}]`, each]),
];

const inlineOf = (template: Template): Template[] =>
  [...(template.steps ?? []).flat(), ...(template.dag?.tasks ?? [])].flatMap(({ inline }) =>
    inline === undefined ? [] : [inline],
  );

const templateProblems = (template: Template, podOfSpec: KubernetesObject, abilities: RuntimeAbilities): string[] => {
  const ofPod = template.securityContext ?? podOfSpec;
  const owner = `template ${template.name || '(inline)'}: `;
  const own = [
    ...volumeProblems(template.volumes, abilities),
    ...programsOf(template).flatMap(([place, container]) => under(place, containerProblems(container, ofPod, abilities))),
  ].map((problem) => owner + problem);
  return [...own, ...inlineOf(template).flatMap((inline) => templateProblems(inline, podOfSpec, abilities))];
};

/** What is looked at of a workflow: its spec, or that of the template which it refers to. */
export type CheckedSpec = Pick<WorkflowSpec, 'volumes' | 'securityContext' | 'templates' | 'templateDefaults'>;

/**
 * What a runtime can never honour of what is written out in a spec, each by its name (`template main: container.tty is not supported by the
 * sandbox`); fields with tags are looked at when the pod is made. Empty: nothing speaks against it.
 */
export const refusedFields = (spec: CheckedSpec, abilities: RuntimeAbilities): string[] => {
  const ofPod = spec.securityContext ?? {};
  const defaults = spec.templateDefaults === undefined ? [] : [{ ...spec.templateDefaults, name: 'templateDefaults' }];
  return [
    ...volumeProblems(spec.volumes, abilities).map((problem) => `spec: ${problem}`),
    ...[...defaults, ...(spec.templates ?? [])].flatMap((template) => templateProblems(template, ofPod, abilities)),
  ];
};
