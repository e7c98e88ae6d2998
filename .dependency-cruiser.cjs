/**
 * The walls of the house (architecture, "Layers point down only"). test/architecture holds one violating fixture per rule,
 * each of which must fail, and asserts how many files were seen.
 */
const PURE = '^libs/(workflow-spec|expressions|engine|pod-spec|jobs)/';
const ADAPTERS = ['queue', 'store', 'resources', 'runtimes', 'artifacts', 'execution', 'config', 'observability'];
const TESTS = '(\\.(spec|itest|e2e|bench)\\.ts$|^test/|^libs/testing/)';

/** The one owner of each technology. */
const OWNERS = {
  'bullmq|ioredis|@bull-board/.*': '^libs/queue/',
  'drizzle-orm|mysql2': '^libs/store/',
  pg: '^libs/(store|queue)/',
  '@aws-sdk/.*|@grpc/.*': '^libs/artifacts/',
  dockerode: '^libs/runtimes/',
  '@kubernetes/client-node': '^libs/kubernetes/',
  'pino|prom-client|@opentelemetry/.*': '^libs/observability/',
  commander: '^services/(cli|executor)/',
};

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'libs-do-not-import-services', severity: 'error', from: { path: '^libs/' }, to: { path: '^services/' } },
    {
      name: 'services-do-not-import-each-other',
      comment: 'They meet in libs/jobs and in the database. Only the embedded stack composes them, through their index.ts.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: [TESTS, '^services/cli/src/embedded/'] },
      to: { path: '^services/([^/]+)/', pathNot: '^services/$1/' },
    },
    {
      name: 'embedded-composes-through-index-only',
      severity: 'error',
      from: { path: '^services/cli/src/embedded/' },
      to: { path: '^services/(?!cli/)[^/]+/', pathNot: '^services/[^/]+/src/index\\.ts$' },
    },
    {
      name: 'adapters-are-siblings',
      severity: 'error',
      from: { path: `^libs/(${ADAPTERS.join('|')})/`, pathNot: TESTS },
      to: { path: `^libs/(program|${ADAPTERS.join('|')})/`, pathNot: '^libs/$1/' },
    },
    {
      name: 'the-cluster-stands-below-adapters',
      comment: 'libs/kubernetes knows the API server and nothing else of ours.',
      severity: 'error',
      from: { path: '^libs/kubernetes/', pathNot: TESTS },
      to: { path: '^libs/', pathNot: ['^libs/kubernetes/', '^libs/workflow-spec/'] },
    },
    {
      name: 'the-cluster-is-for-two-adapters',
      comment: 'Objects and pods are what we have on a cluster; other adapters do without it.',
      severity: 'error',
      from: { path: `^libs/(${ADAPTERS.join('|')})/`, pathNot: [TESTS, '^libs/(resources|runtimes)/'] },
      to: { path: '^libs/kubernetes/' },
    },
    { name: 'pure-imports-pure', severity: 'error', from: { path: PURE, pathNot: TESTS }, to: { path: '^libs/', pathNot: PURE } },
    { name: 'pure-has-no-node', severity: 'error', from: { path: PURE, pathNot: TESTS }, to: { dependencyTypes: ['core'] } },
    {
      name: 'pure-has-few-packages',
      severity: 'error',
      from: { path: PURE, pathNot: TESTS },
      to: { path: 'node_modules/', pathNot: 'node_modules/(zod|yaml|re2js)/' },
    },
    {
      name: 'libs-by-their-index',
      severity: 'error',
      from: { path: '^(libs|services)/([^/]+)/', pathNot: TESTS },
      to: { path: '^libs/([^/]+)/src/', pathNot: ['^libs/[^/]+/src/index\\.ts$', '^$1/$2/'] },
    },
    {
      name: 'tests-only-from-tests',
      severity: 'error',
      from: { path: '^(libs|services)/', pathNot: TESTS },
      to: { path: TESTS },
    },
    ...Object.entries(OWNERS).map(([packages, owner]) => ({
      name: `one-owner-of-${packages.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '')}`,
      severity: 'error',
      from: { path: '^(libs|services)/', pathNot: [owner, TESTS] },
      to: { path: `node_modules/(@types/)?(${packages})/` },
    })),
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/|^services/cli/bin/|^test/architecture/violations/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['source', 'import', 'node', 'default', 'types'] },
  },
};
