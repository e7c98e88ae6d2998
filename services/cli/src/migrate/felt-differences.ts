import type {
  Artifact,
  ResourceTemplate,
  Synchronization,
  Template,
  TemplateInvocation,
  WorkflowSpec,
} from '#libs/workflow-spec';

/** A deliberate difference that users of some feature will notice. */
export interface FeltDifference<Subject> {
  /** The feature, as it stands in the object. */
  feature: string;
  difference: string;
  isUsed: (subject: Subject) => boolean;
}

type SpecDifference = FeltDifference<WorkflowSpec>;

/** What stands in no template: inline templates of steps and tasks as well. */
const templatesIn = (spec: WorkflowSpec): Template[] => {
  const found: Template[] = [];
  const add = (template: Template): void => {
    found.push(template);
    for (const { inline } of callsIn(template)) if (inline !== undefined) add(inline);
  };
  for (const template of [...(spec.templates ?? []), ...(spec.templateDefaults ? [spec.templateDefaults] : [])]) add(template);
  return found;
};
const callsIn = ({ steps = [], dag }: Template): TemplateInvocation[] => [...steps.flat(), ...(dag?.tasks ?? [])];
const artifactsIn = (spec: WorkflowSpec): Artifact[] => [
  ...(spec.arguments?.artifacts ?? []),
  ...templatesIn(spec).flatMap((template) => [
    ...(template.inputs?.artifacts ?? []),
    ...(template.outputs?.artifacts ?? []),
    ...callsIn(template).flatMap((call) => call.arguments?.artifacts ?? []),
  ]),
];
const locksIn = (spec: WorkflowSpec): Synchronization[] =>
  [spec, ...templatesIn(spec)].flatMap(({ synchronization }) => (synchronization === undefined ? [] : [synchronization]));

const anyTemplate =
  (isUsed: (template: Template) => boolean) =>
  (spec: WorkflowSpec): boolean =>
    templatesIn(spec).some(isUsed);
const anyArtifact =
  (isUsed: (artifact: Artifact) => boolean) =>
  (spec: WorkflowSpec): boolean =>
    artifactsIn(spec).some(isUsed);
const anyLock =
  (isUsed: (locks: Synchronization) => boolean) =>
  (spec: WorkflowSpec): boolean =>
    locksIn(spec).some(isUsed);
const anyText =
  (words: RegExp) =>
  (spec: WorkflowSpec): boolean =>
    words.test(JSON.stringify(spec));
const resourceTemplate = (isUsed: (resource: ResourceTemplate) => boolean) =>
  anyTemplate(({ resource }) => resource !== undefined && isUsed(resource));

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const isLimited = (spec: WorkflowSpec): boolean =>
  spec.parallelism !== undefined || templatesIn(spec).some(({ parallelism }) => parallelism !== undefined);
const hooksIn = (spec: WorkflowSpec) => [
  ...Object.values(spec.hooks ?? {}),
  ...templatesIn(spec).flatMap((template) => callsIn(template).flatMap(({ hooks = {} }) => Object.values(hooks))),
];

const TEMPLATES: readonly SpecDifference[] = [
  {
    feature: 'http templates without timeoutSeconds',
    difference: 'a request ends after one hour',
    isUsed: anyTemplate(({ http }) => http !== undefined && http.timeoutSeconds === undefined),
  },
  {
    feature: 'http templates with headers from Secrets',
    difference: 'they are left out when the answer sends the request to another host',
    isUsed: anyTemplate(({ http }) => /"secretKeyRef":/.test(JSON.stringify(http?.headers ?? []))),
  },
  {
    feature: 'plugin templates',
    difference:
      'a plugin that is not done and names no time is asked again every 10 s; the one whose key it is is asked first; each pod-manager has its own agent',
    isUsed: anyTemplate(({ plugin }) => plugin !== undefined),
  },
  {
    feature: 'resource, data, http and plugin templates',
    difference: 'no pod is made for them',
    isUsed: anyTemplate(({ resource, data, http, plugin }) => [resource, data, http, plugin].some((part) => part !== undefined)),
  },
  {
    feature: 'resource templates with action apply',
    difference:
      'the server applies, as field manager kubectl and over the fields of others; no annotation last-applied-configuration',
    isUsed: resourceTemplate(({ action }) => action === 'apply'),
  },
  {
    feature: 'memoize',
    difference:
      "a cache's ConfigMap is in the namespace of the workflow, not of the controller: results kept so far are not found",
    isUsed: anyTemplate(({ memoize }) => memoize !== undefined),
  },
  {
    feature: 'timeout of a template',
    difference: 'a Pending node whose time is over fails, and the failure goes its usual way',
    isUsed: anyTemplate(({ timeout }) => timeout !== undefined),
  },
  {
    feature: 'sprig functions of keys, random values, hosts and versions',
    difference: 'refused: a decision must come out the same when it is made again',
    isUsed: anyText(
      /sprig\.(?:gen[A-Z]\w*|rand\w*|uuidv4|shuffle|derivePassword|getHostByName|semver\w*|bcrypt|htpasswd|encryptAES)\b/,
    ),
  },
  {
    feature: 'metrics of templates with attempts',
    difference: 'one end is measured once, also where the controller restarts',
    isUsed: anyTemplate(({ metrics, retryStrategy }) => metrics !== undefined && retryStrategy !== undefined),
  },
  {
    feature: 'hooks beside a parallelism',
    difference: 'the hook of a task waits for a slot while its expression is true',
    isUsed: (spec) =>
      isLimited(spec) && templatesIn(spec).some(({ dag }) => (dag?.tasks ?? []).some(({ hooks }) => hooks !== undefined)),
  },
  {
    feature: 'hooks on Running',
    difference: 'they fire for pods of a few milliseconds as well',
    isUsed: (spec) => hooksIn(spec).some(({ expression = '' }) => /status\s*==\s*["']Running["']/.test(expression)),
  },
  {
    feature: 'daemons beside a parallelism',
    difference: 'a daemon that is ready takes no slot',
    isUsed: (spec) => isLimited(spec) && templatesIn(spec).some(({ daemon }) => daemon === true),
  },
  {
    feature: 'Windows nodes',
    difference: 'not served: init, wait and the wrapper around programs are for Linux',
    isUsed: anyText(/"(?:beta\.)?kubernetes\.io\/os":"windows"/),
  },
];

const ARTIFACTS: readonly SpecDifference[] = [
  {
    feature: 'artifactGC',
    difference:
      'no pod is made for it and no finalizer set; a deletion that is refused is tried again and does not hold up that of the workflow',
    isUsed: (spec) => hasCollection(spec),
  },
  {
    feature: 'artifactGC with podMetadata, serviceAccountName or podSpecPatch',
    difference: 'these have no effect, as no pod is made for it',
    isUsed: (spec) => [spec.artifactGC, ...artifactsIn(spec).map(({ artifactGC }) => artifactGC)].some(hasPodFields),
  },
  {
    feature: 'artifactGC.forceFinalizerRemoval',
    difference: 'the workflow goes in any case; what is refused after that is given up',
    isUsed: ({ artifactGC }) => artifactGC?.forceFinalizerRemoval === true,
  },
  {
    feature: 'artifacts of s3 with roleARN',
    difference: "the role is asked for at Amazon, or at the store's own endpoint where that is not Amazon",
    isUsed: anyText(/"roleARN":/),
  },
  {
    feature: 'artifactory.url that is no whole URL',
    difference: 'a path below repoURL of the repository',
    isUsed: anyArtifact(({ artifactory }) => artifactory !== undefined && !/^(https?:|\{\{)|^$/.test(textOf(artifactory['url']))),
  },
  {
    feature: 'artifactory artifacts with a whole URL and no account',
    difference: 'they get no account of the repository',
    isUsed: anyArtifact(
      ({ artifactory }) =>
        artifactory !== undefined && /^https?:/.test(textOf(artifactory['url'])) && artifactory['passwordSecret'] === undefined,
    ),
  },
  {
    feature: 'git.repo that is a path of the host',
    difference: 'refused: transfers run beside the workflows of others',
    isUsed: anyArtifact(({ git }) => /^(\/|\.|file:)/.test(textOf(git?.['repo']))),
  },
];

const hasCollection = (spec: WorkflowSpec): boolean =>
  [spec.artifactGC, ...artifactsIn(spec).map(({ artifactGC }) => artifactGC)].some(
    (collection) => !['', 'Never'].includes(collection?.strategy ?? ''),
  );
const hasPodFields = (collection: WorkflowSpec['artifactGC'] | Artifact['artifactGC']): boolean =>
  ['podMetadata', 'serviceAccountName', 'podSpecPatch'].some((field) => field in (collection ?? {}));

const lockCount = ({ mutexes = [], semaphores = [] }: Synchronization): number => mutexes.length + semaphores.length;

const LOCKS: readonly SpecDifference[] = [
  {
    feature: 'database locks',
    difference: 'they are shared by installations of Argosy on one database, not with controllers of Argo',
    isUsed: anyLock(({ mutexes = [], semaphores = [] }) =>
      [...mutexes, ...semaphores].some(({ database }) => database !== undefined && database),
    ),
  },
  {
    feature: 'several locks at once',
    difference: 'who waits for a lock closes none of its others for those who can go on',
    isUsed: anyLock((locks) => lockCount(locks) > 1),
  },
  {
    feature: 'semaphores',
    difference: 'a changed limit is noticed within ADMISSION_INTERVAL',
    isUsed: anyLock(({ semaphores = [] }) => semaphores.length > 0),
  },
  {
    feature: 'locks of Steps and DAGs with attempts',
    difference: 'those of a failed attempt are free when its pods have ended',
    isUsed: anyTemplate(
      ({ synchronization, retryStrategy, steps, dag }) =>
        synchronization !== undefined && retryStrategy !== undefined && (steps !== undefined || dag !== undefined),
    ),
  },
];

const SPEC_DIFFERENCES: readonly SpecDifference[] = [...TEMPLATES, ...ARTIFACTS, ...LOCKS];

/** Those that the subject will notice, as `feature: difference`. */
export const feltBy = <Subject>(differences: readonly FeltDifference<Subject>[], subject: Subject): string[] =>
  differences.filter(({ isUsed }) => isUsed(subject)).map(({ feature, difference }) => `${feature}: ${difference}`);

/** What users of this spec will notice. */
export const feltDifferencesOf = (spec: WorkflowSpec): string[] => feltBy(SPEC_DIFFERENCES, spec);
