import fc from 'fast-check';
import type { ContinueOn, DAGTask, Item, LifecycleHook, Template, TemplateInvocation, Workflow } from '#libs/workflow-spec';

/** How a leaf ends: mostly well. */
const leafArguments = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<string[][]>(['result=ok'], ['result=[1,2]'], ['result=7', 'ms=20']) },
  { weight: 2, arbitrary: fc.constantFrom<string[][]>(['exit=1'], ['exit=3', 'ms=5']) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<string[][]>(
      ['failuntil=1', 'attempt={{retries}}'],
      ['failuntil=3', 'attempt={{retries}}', 'ms=3'],
    ),
  },
);

const retryStrategy = fc.option(
  fc.record({ limit: fc.integer({ min: 0, max: 2 }), retryPolicy: fc.constantFrom('Always', 'OnFailure', 'OnError') }),
  { nil: undefined, freq: 3 },
);

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without fields that are undefined. */
const defined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Defined<T>;

const leaf = (name: string): fc.Arbitrary<Template> =>
  fc.record({ args: leafArguments, retry: retryStrategy }).map(({ args, retry }) => {
    const needsRetry = args.some((argument) => argument.includes('{{retries}}'));
    const strategy = retry ?? (needsRetry ? { limit: 2 } : undefined);
    return defined({ name, container: { image: 'sim', command: ['sim'], args }, retryStrategy: strategy });
  });

/** Three containers of one pod: the second and third wait for the first, or for each other. */
const containerSet = (name: string): fc.Arbitrary<Template> =>
  fc.record({ ends: fc.tuple(leafArguments, leafArguments, leafArguments), isChain: fc.boolean() }).map(({ ends, isChain }) => ({
    name,
    containerSet: {
      containers: ['main', 'b', 'c'].map((member, index) => ({
        name: member,
        image: 'sim',
        command: ['sim'],
        args: (ends[index] ?? []).filter((argument) => !argument.startsWith('attempt=') && !argument.startsWith('failuntil=')),
        ...(index === 0 ? {} : { dependencies: [isChain && index === 2 ? 'b' : 'main'] }),
      })),
    },
  }));

/** A daemon, which goes on until the template around it has ended. */
const daemon = (name: string): fc.Arbitrary<Template> =>
  fc.constant({ name, daemon: true, container: { image: 'sim', command: ['sim'], args: ['ms=100'] } });

/** A claim that one of the leaves mounts. */
const CLAIM = { metadata: { name: 'work' }, spec: { accessModes: ['ReadWriteOnce'] } };
const mounting = (template: Template): Template =>
  template.container === undefined
    ? template
    : { ...template, container: { ...template.container, volumeMounts: [{ name: 'work', mountPath: '/work' }] } };

/** A leaf that may run out of its time. */
const timed = (name: string): fc.Arbitrary<Template> =>
  fc
    .record({ timeout: fc.constantFrom('1s', '4s'), ms: fc.constantFrom(20, 1500, 4000), retry: retryStrategy })
    .map(({ timeout, ms, retry }) =>
      defined({
        name,
        timeout,
        container: { image: 'sim', command: ['sim'], args: ['result=done', `ms=${ms}`] },
        retryStrategy: retry,
      }),
    );

/** A request or a plugin's task; the texts in them say how they end, as the arguments of a pod do. */
const task = (name: string): fc.Arbitrary<Template> =>
  fc.record({ words: leafArguments, isPlugin: fc.boolean(), retry: retryStrategy }).map(({ words, isPlugin, retry }) => {
    const body = words.filter((word) => !word.startsWith('attempt=') && !word.startsWith('failuntil=')).join(' ');
    const kind = isPlugin ? { plugin: { hello: { body } } } : { http: { url: 'http://nowhere', body } };
    return defined({ name, ...kind, retryStrategy: retry });
  });

/** Two templates may remember under one key; what fails is not remembered. */
const remembering = (template: Template, key: string | undefined): Template =>
  key === undefined || template.container === undefined || template.daemon === true
    ? template
    : { ...template, memoize: { key, maxAge: '1h', cache: { configMap: { name: 'known' } } } };

const suspended = (name: string): fc.Arbitrary<Template> => fc.constant({ name, suspend: { duration: '3' } });

const callFields = {
  loop: fc.option(
    fc.oneof(
      fc.record({ withItems: fc.constantFrom<Item[][]>(['a', 'b'], [1, 2, 3], []) }),
      fc.record({ withSequence: fc.record({ count: fc.integer({ min: 0, max: 4 }).map(String) }) }),
    ),
    { nil: undefined, freq: 3 },
  ),
  when: fc.option(fc.constantFrom('true', 'false', 'a == b'), { nil: undefined, freq: 5 }),
  continueOn: fc.option(fc.constantFrom<ContinueOn[]>({ failed: true }, { failed: true, error: true }), {
    nil: undefined,
    freq: 3,
  }),
  hasExit: fc.boolean(),
  hook: fc.option(fc.constantFrom('Running', 'Succeeded', 'Failed'), { nil: undefined, freq: 4 }),
};

/** A hook that fires when the step or task of this name has come to the phase. */
const hookOn = (name: string, phase: string, template: string): Record<string, LifecycleHook> => ({
  seen: { template, expression: `${name.startsWith('s') ? 'steps' : 'tasks'}.${name}.status == "${phase}"` },
});

/** A call of one of these templates; `exit` names a leaf for exit handlers. */
const call = (name: string, templates: readonly string[], exit: string): fc.Arbitrary<TemplateInvocation> =>
  fc
    .record({ template: fc.constantFrom(...templates), ...callFields })
    .map(({ template, loop, when, continueOn, hasExit, hook }) =>
      defined({
        name,
        template,
        ...loop,
        when,
        continueOn,
        onExit: hasExit && name.endsWith('0') ? exit : undefined,
        hooks: hook === undefined ? undefined : hookOn(name, hook, exit),
      }),
    );

const limits = {
  parallelism: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined, freq: 3 }),
  retry: fc.option(fc.record({ limit: fc.integer({ min: 0, max: 1 }) }), { nil: undefined, freq: 4 }),
};

const steps = (name: string, templates: readonly string[], exit: string): fc.Arbitrary<Template> =>
  fc
    .record({ sizes: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 3 }), ...limits })
    .chain(({ sizes, parallelism, retry }) =>
      fc
        .tuple(
          ...sizes.map((size, group) =>
            fc.tuple(...Array.from({ length: size }, (_, index) => call(`s${group}${index}`, templates, exit))),
          ),
        )
        .map((groups) => defined({ name, steps: groups, parallelism, retryStrategy: retry })),
    );

const dag = (name: string, templates: readonly string[], exit: string): fc.Arbitrary<Template> =>
  fc
    .record({
      edges: fc.array(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), { minLength: 2, maxLength: 4 }),
      failFast: fc.boolean(),
      ...limits,
    })
    .chain(({ edges, failFast, parallelism, retry }) =>
      fc.tuple(...edges.map((_, index) => call(`t${index}`, templates, exit))).map((calls) => {
        const tasks = calls.map((task, index): DAGTask => {
          const dependencies = calls.slice(0, index).flatMap((other, at) => (edges[index]?.[at] === true ? [other.name] : []));
          return dependencies.length === 0 ? task : { ...task, dependencies };
        });
        return defined({ name, dag: { tasks, failFast }, parallelism, retryStrategy: retry });
      }),
    );

const isPassing = ({ hooks }: TemplateInvocation): boolean => hooks?.['seen']?.expression?.endsWith('"Running"') === true;

/** Without hooks on steps and tasks that fire while those run. */
const withoutPassing = (template: Template): Template => {
  const { dag: tasks, steps: groups } = template;
  const kept = <Call extends TemplateInvocation>(each: Call): Call => (isPassing(each) ? { ...each, hooks: undefined } : each);
  return {
    ...template,
    ...(tasks === undefined ? {} : { dag: { ...tasks, tasks: tasks.tasks.map(kept) } }),
    ...(groups === undefined ? {} : { steps: groups.map((group) => group.map(kept)) }),
  };
};

const container = (name: string, templates: readonly string[], exit: string): fc.Arbitrary<Template> =>
  fc.oneof(steps(name, templates, exit), dag(name, templates, exit));

/**
 * Random valid workflows of the image `sim`, three levels deep: steps and DAGs, loops, conditions, retries, exit handlers, suspensions,
 * lifecycle hooks, continueOn, failFast, parallelism, container sets, daemons, claims, timeouts, memoization, requests and plugins. For tests of the engine's properties.
 * `remembers: false` leaves memoization out, `hooksInPassing: false` hooks on steps and tasks that fire while those run.
 */
export const randomWorkflow = ({
  remembers = true,
  hooksInPassing = true,
}: { remembers?: boolean; hooksInPassing?: boolean } = {}): fc.Arbitrary<Workflow> =>
  fc
    .record({
      leaves: fc.tuple(
        leaf('leaf0'),
        leaf('leaf1'),
        leaf('leaf2'),
        suspended('pause'),
        containerSet('set'),
        daemon('server'),
        timed('timed'),
        task('task'),
      ),
      keys: fc.array(fc.option(fc.constantFrom('same', 'other'), { nil: undefined, freq: 2 }), { minLength: 8, maxLength: 8 }),
      inner: fc.tuple(
        container('inner0', ['leaf0', 'leaf1', 'pause', 'server', 'task'], 'leaf2'),
        container('inner1', ['leaf1', 'leaf2', 'pause', 'set', 'timed'], 'leaf0'),
      ),
      hasClaim: fc.boolean(),
      outer: container('outer', ['leaf0', 'leaf1', 'inner0', 'inner1'], 'leaf2'),
      parallelism: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined, freq: 3 }),
      hasExit: fc.boolean(),
      hook: fc.option(fc.constantFrom('Running', 'Succeeded', 'Failed'), { nil: undefined, freq: 4 }),
    })
    .map(({ leaves, keys, inner, outer, parallelism, hasExit, hook, hasClaim }) => ({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: { name: 'random' },
      spec: defined({
        entrypoint: 'outer',
        templates: [
          ...leaves.map((template, index) =>
            remembering(hasClaim ? mounting(template) : template, remembers ? keys[index] : undefined),
          ),
          ...[...inner, outer].map((template) => (hooksInPassing ? template : withoutPassing(template))),
        ],
        volumeClaimTemplates: hasClaim ? [CLAIM] : undefined,
        parallelism,
        onExit: hasExit ? 'leaf1' : undefined,
        hooks: hook === undefined ? undefined : { seen: { template: 'leaf2', expression: `workflow.status == "${hook}"` } },
      }),
    }));
