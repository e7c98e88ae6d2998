// From a bare clone to a finished workflow: installs, builds, starts everything in one process, runs an example, shows the result, ends.
import { ensureBuilt, ensureInstalled, run } from './install.mjs';

await ensureInstalled();
await ensureBuilt();
const { code } = await run('node', ['services/cli/bin/argosy.js', 'quickstart', ...process.argv.slice(2)], { show: true });
process.exit(code);
