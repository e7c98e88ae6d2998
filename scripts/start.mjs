// `npm start`: the embedded stack, kept running. State lies in ./.argosy or in the folder given by --data.
import { spawn } from 'node:child_process';
import { ensureBuilt, ensureInstalled, environment, root } from './install.mjs';

await ensureInstalled();
await ensureBuilt();
const child = spawn('node', ['services/cli/bin/argosy.js', 'up', ...process.argv.slice(2)], {
  cwd: root,
  env: environment(),
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
