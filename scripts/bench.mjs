// `npm run bench`: measures the product against its goals. `--only NAME` (repeatable) picks, `--json FILE` keeps the figures, `--list` names them.
import { spawn } from 'node:child_process';
import { ensureBuilt, ensureInstalled, environment, root } from './install.mjs';

await ensureInstalled();
await ensureBuilt();
const child = spawn('node', ['--no-warnings', 'test/bench/launch.mjs', ...process.argv.slice(2)], {
  cwd: root,
  env: environment(),
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
