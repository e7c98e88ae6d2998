/**
 * Argo answers with the JSON of its Go structs: a struct that is not a pointer is written even when nothing is in it (`"inputs": {}`),
 * and so is a few fields' zero value (`"name": ""` of a container). This adds them; what else an object holds passes unchanged.
 * Source: the json tags in pkg/apis/workflow/v1alpha1 and of Kubernetes' Container (v4.1).
 */
type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);
const objectOr = (value: unknown): JsonObject => (isObject(value) ? value : {});
const mapObjects = (value: unknown, shape: (item: JsonObject) => JsonObject): unknown =>
  Array.isArray(value) ? value.map((item: unknown) => (isObject(item) ? shape(item) : item)) : value;
const mapMembers = (value: unknown, shape: (item: JsonObject) => JsonObject): unknown =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, isObject(item) ? shape(item) : item]))
    : value;

/** Applies a shape to a member only where the object has it. */
function within(object: JsonObject, members: Record<string, (value: unknown) => unknown>): JsonObject {
  const shaped: JsonObject = { ...object };
  for (const [name, shape] of Object.entries(members)) {
    if (shaped[name] !== undefined && shaped[name] !== null) shaped[name] = shape(shaped[name]);
  }
  return shaped;
}

const containerShape = (container: JsonObject): JsonObject => ({ name: '', resources: {}, ...container });
const scriptShape = (script: JsonObject): JsonObject => ({ source: '', ...containerShape(script) });
const hookShape = (hook: JsonObject): JsonObject => ({ ...hook, arguments: objectOr(hook['arguments']) });

const invocationShape = (invocation: JsonObject): JsonObject =>
  within(
    { ...invocation, arguments: objectOr(invocation['arguments']) },
    {
      inline: (value) => (isObject(value) ? templateShape(value) : value),
      hooks: (value) => mapMembers(value, hookShape),
    },
  );

const dagShape = (dag: JsonObject): JsonObject => ({ ...dag, tasks: mapObjects(dag['tasks'] ?? [], invocationShape) });

/** One template, wherever it stands. */
export function templateShape(template: JsonObject): JsonObject {
  const base: JsonObject = {
    ...template,
    inputs: objectOr(template['inputs']),
    outputs: objectOr(template['outputs']),
    metadata: objectOr(template['metadata']),
  };
  return within(base, {
    container: (value) => containerShape(objectOr(value)),
    script: (value) => scriptShape(objectOr(value)),
    initContainers: (value) => mapObjects(value, containerShape),
    sidecars: (value) => mapObjects(value, containerShape),
    containerSet: (value) => within(objectOr(value), { containers: (containers) => mapObjects(containers, containerShape) }),
    steps: (value) => (Array.isArray(value) ? value.map((group: unknown) => mapObjects(group, invocationShape)) : value),
    dag: (value) => dagShape(objectOr(value)),
  });
}

/** The spec of a Workflow, a WorkflowTemplate or a CronWorkflow's workflow. */
export function workflowSpecShape(spec: unknown): JsonObject {
  const written = objectOr(spec);
  return within(
    { ...written, arguments: objectOr(written['arguments']) },
    {
      templates: (value) => mapObjects(value, templateShape),
      templateDefaults: (value) => (isObject(value) ? templateShape(value) : value),
      hooks: (value) => mapMembers(value, hookShape),
    },
  );
}

const nodeShape = (node: JsonObject): JsonObject => ({
  ...node,
  startedAt: node['startedAt'] ?? null,
  finishedAt: node['finishedAt'] ?? null,
});

function statusShape(status: unknown): JsonObject {
  const written = objectOr(status);
  return within(
    { ...written, startedAt: written['startedAt'] ?? null, finishedAt: written['finishedAt'] ?? null },
    {
      nodes: (value) => mapMembers(value, nodeShape),
      storedTemplates: (value) => mapMembers(value, templateShape),
      storedWorkflowTemplateSpec: workflowSpecShape,
    },
  );
}

const withoutType = (object: JsonObject): JsonObject => {
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  return rest;
};

/** A Workflow as the API answers it: without apiVersion and kind, as Argo's. */
export function workflowShape(workflow: object): JsonObject {
  const written = withoutType(workflow as JsonObject);
  return {
    metadata: objectOr(written['metadata']),
    spec: workflowSpecShape(written['spec']),
    status: statusShape(written['status']),
  };
}

/** A WorkflowTemplate or ClusterWorkflowTemplate as the API answers it. */
export function templateObjectShape(template: object): JsonObject {
  const written = withoutType(template as JsonObject);
  return { metadata: objectOr(written['metadata']), spec: workflowSpecShape(written['spec']) };
}

/** A CronWorkflow as the API answers it. */
export function cronWorkflowShape(cronWorkflow: object): JsonObject {
  const written = withoutType(cronWorkflow as JsonObject);
  const spec = objectOr(written['spec']);
  const status = objectOr(written['status']);
  return {
    metadata: objectOr(written['metadata']),
    spec: within({ ...spec, workflowSpec: workflowSpecShape(spec['workflowSpec']) }, {}),
    status: { active: null, lastScheduledTime: null, conditions: null, succeeded: 0, failed: 0, phase: '', ...status },
  };
}
