// The whole suite from a bare clone: dependencies, real parts for the tests, build, unit, integration and end-to-end tests.
import { ensureBuilt, ensureInstalled, run } from './install.mjs';

await ensureInstalled();
await run('node', ['scripts/install-test-parts.mjs'], { show: true });
await ensureBuilt();
const { code } = await run(
  'vitest',
  ['run', '--project', 'unit', '--project', 'integration', '--project', 'e2e', '--project', 'faults', ...process.argv.slice(2)],
  { show: true, env: { FORCE_COLOR: '0' } },
);
process.exit(code);
