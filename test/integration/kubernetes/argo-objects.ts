import { nodeId, type NodeStatus, type Workflow, type WorkflowSpec, type WorkflowStatus } from '#libs/workflow-spec';

/** A workflow as Argo's controller has left it, with the pods that it has made. */
export interface LeftObject {
  workflow: Workflow;
  pods: { node: string; containers: string[] }[];
}

const SAY = { image: 'sim', command: ['sim'], args: ['result=x'] };
const STARTED_AT = '2026-01-01T00:00:00Z';

/** The parts of a node that differ, by the name of the node. */
type Nodes = Record<string, Partial<NodeStatus>>;

const left = (
  name: string,
  spec: Partial<WorkflowSpec>,
  { nodes, ...status }: Omit<WorkflowStatus, 'nodes'> & { nodes?: Nodes },
  labels: Record<string, string> = {},
): Workflow => {
  const isEnded = status.finishedAt !== undefined;
  const whole = Object.entries(nodes ?? {}).map(([node, more]): [string, NodeStatus] => {
    const id = nodeId(name, node);
    const common = { id, name: node, displayName: node.split('.').at(-1) ?? node, templateScope: `local/${name}` };
    return [id, { ...common, type: 'Pod', phase: 'Running', startedAt: STARTED_AT, finishedAt: null, ...more }];
  });
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: {
      name,
      labels: {
        'workflows.argoproj.io/phase': status.phase ?? '',
        'workflows.argoproj.io/completed': String(isEnded),
        ...labels,
      },
      annotations: { 'workflows.argoproj.io/pod-name-format': 'v2' },
    },
    spec: { entrypoint: 'main', templates: [{ name: 'main', container: SAY }], ...spec },
    status: { startedAt: STARTED_AT, finishedAt: null, ...status, ...(nodes && { nodes: Object.fromEntries(whole) }) },
  };
};

const MUTEX = { mutexes: [{ name: 'm' }] };
const SEMAPHORE = { semaphores: [{ configMapKeyRef: { name: 'limits', key: 'one' } }] };
const locked = { name: 'main', container: SAY, synchronization: { ...MUTEX, ...SEMAPHORE } };

/** One pod that holds a mutex and the only place of the semaphore `limits/one`. */
export const lockHolder = (name: string, namespace: string): LeftObject => {
  const holder = `${namespace}/${name}/${name}`;
  const synchronization = {
    mutex: { holding: [{ mutex: `${namespace}/Mutex/m`, holder }] },
    semaphore: { holding: [{ semaphore: `${namespace}/ConfigMap/limits/one`, holders: [holder] }] },
  };
  const nodes = { [name]: { templateName: 'main' } };
  return {
    workflow: left(name, { templates: [locked] }, { phase: 'Running', nodes, synchronization }),
    pods: [{ node: name, containers: ['main'] }],
  };
};

/** One node that waits for the mutex. */
export const lockWaiter = (name: string, namespace: string): LeftObject => {
  const waiting = `${namespace}/Mutex/m`;
  const message = `Waiting for ${waiting} lock. Lock status: 0/1`;
  const nodes = { [name]: { templateName: 'main', phase: 'Pending' as const, message, synchronizationStatus: { waiting } } };
  const synchronization = { mutex: { waiting: [{ mutex: waiting, holder: 'whoever' }] } };
  return { workflow: left(name, { templates: [locked] }, { phase: 'Running', nodes, synchronization }), pods: [] };
};

/** A workflow that nobody has begun, and that wants the semaphore. */
export const lockWanting = (name: string): LeftObject => {
  const { status: _status, metadata, ...workflow } = left(name, { templates: [{ ...locked, synchronization: SEMAPHORE }] }, {});
  return { workflow: { ...workflow, metadata: { name: metadata.name } } as Workflow, pods: [] };
};

/** Two steps that share a claim which was made for them; the first of them runs. The workflow as a whole holds a mutex. */
export const claimUser = (name: string, namespace: string): LeftObject => {
  const mount = { name: 'work', mountPath: '/work' };
  const spec = {
    synchronization: { mutexes: [{ name: 'whole' }] },
    volumeClaimTemplates: [{ metadata: { name: 'work' }, spec: CLAIM_SPEC }],
    templates: [
      { name: 'main', steps: [[{ name: 'a', template: 'use' }], [{ name: 'b', template: 'use' }]] },
      { name: 'use', container: { ...SAY, volumeMounts: [mount] } },
    ],
  };
  const id = (node: string): string => nodeId(name, `${name}${node}`);
  const nodes = {
    [name]: { type: 'Steps' as const, templateName: 'main', children: [id('[0]')] },
    [`${name}[0]`]: { type: 'StepGroup' as const, displayName: '[0]', boundaryID: name, children: [id('[0].a')] },
    [`${name}[0].a`]: { templateName: 'use', boundaryID: name },
  };
  const synchronization = { mutex: { holding: [{ mutex: `${namespace}/Mutex/whole`, holder: `${namespace}/${name}` }] } };
  const persistentVolumeClaims = [{ name: 'work', persistentVolumeClaim: { claimName: `${name}-work` } }];
  return {
    workflow: left(name, spec, { phase: 'Running', nodes, synchronization, persistentVolumeClaims }),
    pods: [{ node: `${name}[0].a`, containers: ['main'] }],
  };
};
export const CLAIM_SPEC = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };

/** A workflow that waits as a whole for the mutex of the one before. */
export const wholeWaiter = (name: string, namespace: string): LeftObject => {
  const waiting = `${namespace}/Mutex/whole`;
  const message = `Waiting for ${waiting} lock. Lock status: 0/1`;
  const synchronization = { mutex: { waiting: [{ mutex: waiting, holder: 'whoever' }] } };
  const spec = { synchronization: { mutexes: [{ name: 'whole' }] } };
  return { workflow: left(name, spec, { phase: 'Pending', message, synchronization }), pods: [] };
};

/** Three steps, of which the first has ended and the second runs. */
export const chainHalfway = (name: string): LeftObject => {
  const steps = ['a', 'b', 'c'].map((step) => [{ name: step, template: 'say' }]);
  const spec = {
    templates: [
      { name: 'main', steps },
      { name: 'say', container: SAY },
    ],
  };
  const id = (node: string): string => nodeId(name, `${name}${node}`);
  const group = (at: number, children: string[]) => ({
    [`${name}[${at}]`]: { type: 'StepGroup' as const, displayName: `[${at}]`, boundaryID: name, children: children.map(id) },
  });
  const said = { templateName: 'say', boundaryID: name };
  const finishedAt = '2026-01-01T00:00:05Z';
  const nodes = {
    [name]: { type: 'Steps' as const, templateName: 'main', children: [id('[0]')] },
    ...group(0, ['[0].a']),
    ...group(1, ['[1].b']),
    [`${name}[0].a`]: { ...said, phase: 'Succeeded' as const, progress: '1/1', finishedAt, children: [id('[1]')] },
    [`${name}[1].b`]: { ...said, progress: '0/1' },
  };
  return {
    workflow: left(name, spec, { phase: 'Running', progress: '1/2', nodes }),
    pods: [{ node: `${name}[1].b`, containers: ['main'] }],
  };
};

/** A set of two containers; both run. */
export const containerSet = (name: string): LeftObject => {
  const containers = ['a', 'b'].map((member) => ({ ...SAY, name: member }));
  const members = Object.fromEntries(
    ['a', 'b'].map((member) => [`${name}.${member}`, { type: 'Container' as const, boundaryID: name }]),
  );
  const children = ['a', 'b'].map((member) => nodeId(name, `${name}.${member}`));
  const nodes = { [name]: { templateName: 'main', children }, ...members };
  const spec = { templates: [{ name: 'main', containerSet: { containers } }] };
  return { workflow: left(name, spec, { phase: 'Running', nodes }), pods: [{ node: name, containers: ['a', 'b'] }] };
};

/** A workflow that has ended well. */
export const finished = (name: string, archiving: string, spec: Partial<WorkflowSpec> = {}): LeftObject => {
  const finishedAt = '2026-01-01T00:00:09Z';
  const nodes = { [name]: { templateName: 'main', phase: 'Succeeded' as const, finishedAt } };
  const labels = archiving === '' ? {} : { 'workflows.argoproj.io/workflow-archiving-status': archiving };
  return { workflow: left(name, spec, { phase: 'Succeeded', finishedAt, progress: '1/1', nodes }, labels), pods: [] };
};
