import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

/** Nest's dependency injection needs decorator metadata, which only swc emits among the fast transformers. */
const decorators = swc.vite({
  module: { type: 'es6' },
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
});

/** In which order they run. */
const GROUPS = ['unit', 'integration', 'conformance', 'e2e', 'faults'];

const FAULTS = 'test/e2e/faults/**/*.e2e.ts';

/** Files without a world of their own load what they share once for each worker: loading is most of their time. */
const SHARING = ['unit', 'integration', 'e2e', 'faults'];

const project = (name: string, include: string[], timeoutMs: number, workers?: number, concurrency = 5) => ({
  plugins: [decorators],
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    name,
    include,
    isolate: !SHARING.includes(name),
    exclude: ['**/node_modules/**', '**/dist/**', '**/violations/**', ...(include.includes(FAULTS) ? [] : [FAULTS])],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    teardownTimeout: 10_000,
    maxConcurrency: concurrency,
    // Projects run one after the other: the later ones need the machine for themselves, and may use other numbers of workers.
    sequence: { groupOrder: GROUPS.indexOf(name) },
    ...(workers === undefined ? {} : { maxWorkers: workers }),
  },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', ['{libs,services}/**/*.spec.ts', 'test/architecture/**/*.spec.ts'], 30_000, 2),
      project('integration', ['{libs,services}/**/*.itest.ts', 'test/integration/**/*.itest.ts'], 120_000, 3),
      project('e2e', ['test/e2e/**/*.e2e.ts'], 300_000, 3),
      // How soon things go on is part of what they say, so nothing else runs beside them.
      project('faults', [FAULTS], 300_000, 1),
      project('conformance', ['test/conformance/**/*.conformance.ts'], 300_000, 2, 12),
    ],
  },
});
