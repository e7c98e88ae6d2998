import { WorkflowInvalidError } from '../errors.js';
import { parseManifests } from '../manifests/parse-manifests.js';
import type { Container, KubernetesObject, Template } from '../model/workflow.js';
import { isPlaceholder } from './process-arguments.js';
import { assertTagsResolve } from './scope.js';
import type { TemplateFrame } from './validation-context.js';

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const refuse = (message: string): never => {
  throw new WorkflowInvalidError(message);
};

const assertMounts = (name: string, container: Container, template: Template): void => {
  const mounted = new Map<string, string>();
  (container.volumeMounts ?? []).forEach((mount, index) => {
    const path = textOf(mount['mountPath']);
    const before = mounted.get(path);
    if (before) refuse(`templates.${name}.container.volumeMounts[${index}].mountPath '${path}' already mounted in ${before}`);
    mounted.set(path, `container.volumeMounts.${textOf(mount['name'])}`);
  });
  (template.inputs?.artifacts ?? []).forEach((artifact, index) => {
    const path = artifact.path ?? '';
    const before = mounted.get(path);
    if (before) refuse(`templates.${name}.inputs.artifacts[${index}].path '${path}' already mounted in ${before}`);
    mounted.set(path, `inputs.artifacts.${artifact.name}`);
  });
};

const assertImage = ({ template, source }: TemplateFrame, kind: 'container' | 'script'): void => {
  const fallback = source.spec.templateDefaults?.[kind]?.image;
  if (!template[kind]?.image && !fallback) refuse(`templates.${template.name}.${kind}.image may not be empty`);
};

interface ContainerSet {
  containers?: { name?: string; dependencies?: string[] }[];
}

const RESERVED_CONTAINERS = new Set(['init', 'wait']);

const containerCycle = (name: string, dependencies: ReadonlyMap<string, string[]>, trail: string[]): string[] | undefined => {
  for (const next of dependencies.get(name) ?? []) {
    if (trail.includes(next)) return [...trail, next];
    const cycle = containerCycle(next, dependencies, [...trail, next]);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
};

const assertContainerSet = (name: string, set: ContainerSet, template: Template): void => {
  const place = `templates.${name}.containerSet.containers`;
  const containers = set.containers ?? [];
  if (containers.length === 0) refuse(`${place} must have at least one container`);
  const dependencies = new Map<string, string[]>();
  containers.forEach((container, index) => {
    const own = container.name ?? '';
    if (own === '') refuse(`${place}[${index}].name is required`);
    if (RESERVED_CONTAINERS.has(own)) refuse(`${place}: "${own}" is a reserved Argo container name`);
    if (dependencies.has(own)) refuse(`${place}[${index}].name '${own}' is not unique`);
    dependencies.set(own, container.dependencies ?? []);
  });
  for (const [own, names] of dependencies) {
    for (const dependency of names)
      if (!dependencies.has(dependency)) refuse(`${place}.${own} dependency '${dependency}' not defined`);
  }
  for (const own of dependencies.keys()) {
    const cycle = containerCycle(own, dependencies, [own]);
    if (cycle !== undefined) refuse(`${place} dependency cycle detected: ${cycle.join('->')}`);
  }
  const exchanges = [template.inputs?.artifacts, template.outputs?.parameters, template.outputs?.artifacts].some(
    (list) => list?.length,
  );
  if (exchanges && !dependencies.has('main')) refuse(`${place} must have a container named "main" for input or output`);
};

const RESOURCE_ACTIONS = new Set(['get', 'create', 'apply', 'delete', 'replace', 'patch']);

const assertManifest = (name: string, manifest: string): void => {
  // An expression tag without quotes is not YAML, but what it becomes may be.
  const readable = manifest.replace(/\{\{\s*=\s*(.+?)\s*\}\}/g, 'expression');
  try {
    parseManifests(readable);
  } catch {
    refuse(`templates.${name}.resource.manifest must be a valid yaml`);
  }
};

const assertResource = (name: string, resource: KubernetesObject, template: Template): void => {
  const action = textOf(resource['action']);
  if (!isPlaceholder(action) && !RESOURCE_ACTIONS.has(action)) {
    refuse(`templates.${name}.resource.action must be one of: get, create, apply, delete, replace, patch`);
  }
  if (action !== 'delete' && action !== 'get') assertResourceManifest(name, resource, template);
};

const assertResourceManifest = (name: string, resource: KubernetesObject, template: Template): void => {
  const manifest = textOf(resource['manifest']);
  const from = resource['manifestFrom'] as { artifact?: { name?: string } } | undefined;
  if (manifest === '' && from === undefined) {
    refuse(`either templates.${name}.resource.manifest or templates.${name}.resource.manifestFrom must be specified`);
  }
  if (manifest !== '' && from !== undefined) {
    refuse("shouldn't have both `manifest` and `manifestFrom` specified in `Manifest` for resource template");
  }
  const artifact = from?.artifact?.name;
  if (artifact !== undefined && !template.inputs?.artifacts?.some((input) => input.name === artifact)) {
    refuse(`artifact ${artifact} in \`manifestFrom\` refer to a non-exist artifact`);
  }
  if (manifest !== '' && !isPlaceholder(manifest)) assertManifest(name, manifest);
};

const assertPlugin = (name: string, plugin: object): void => {
  if (Object.keys(plugin).length !== 1) refuse(`templates.${name}.plugin must have exactly one key`);
};

const assertDeadline = ({ name, activeDeadlineSeconds: seconds }: Template): void => {
  if (seconds === undefined) return;
  const isTag = typeof seconds === 'string' && (/^\{\{.*\}\}$/.test(seconds) || isPlaceholder(seconds));
  const isNumber = /^\d+$/.test(String(seconds));
  if (!isTag && !isNumber) refuse(`templates.${name}.activeDeadlineSeconds must be a positive integer > 0 or an argo variable`);
};

/** The rules for templates that call no others (Argo's validateLeaf). */
export const validateLeaf = (frame: TemplateFrame): void => {
  const { template, context, scope } = frame;
  const name = template.name ?? '';
  const { globals, anyWorkflowParameter } = context;
  assertTagsResolve(`templates.${name}: `, JSON.stringify(template), { scope, globals, anyWorkflowParameter });
  if (template.container !== undefined) {
    assertMounts(name, template.container, template);
    assertImage(frame, 'container');
  }
  if (template['containerSet'] !== undefined) assertContainerSet(name, template['containerSet'], template);
  if (template['resource'] !== undefined) assertResource(name, template['resource'], template);
  if (template.plugin !== undefined) assertPlugin(name, template.plugin);
  if (template.script !== undefined) assertImage(frame, 'script');
  assertDeadline(template);
  if (template.parallelism !== undefined) refuse(`templates.${name}.parallelism is only valid for steps and dag templates`);
};
