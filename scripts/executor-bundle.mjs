// The executor's program, which runs beside the containers of a pod: whatever it loads costs memory in every pod of every workflow.
import { join } from 'node:path';

/** Our own modules do nothing when they are loaded, so those of which nothing is used are left out, and with them the packages that they load. */
const isLoadedForItself = (id) => !/\/(libs|services)\/[^/]+\/src\//.test(id) || id.endsWith('/src/main.ts');

/**
 * Options of rolldown for the program in one bundle with all packages, which is read faster and held in less than the files of node_modules.
 * `root` is the repository, `folder` (in it or absolute) where `main.js` and its chunks go.
 */
export const executorBundle = (root, folder) => ({
  cwd: root,
  input: { main: join(root, 'services/executor/src/main.ts') },
  platform: 'node',
  tsconfig: 'tsconfig.json',
  // Packages that others use only where they are installed.
  external: [/^@opentelemetry\/(?!api$)/, /^class-(transformer|validator)/, 'pino-pretty', 'debug', 'supports-color'],
  treeshake: { moduleSideEffects: isLoadedForItself },
  resolve: { conditionNames: ['source', 'import', 'node', 'default'], extensionAlias: { '.js': ['.ts', '.js'] } },
  output: {
    dir: folder,
    format: 'esm',
    minify: true,
    keepNames: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  },
  logLevel: 'warn',
});
