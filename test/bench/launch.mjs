// Runs the benchmark's sources as they are; the services that it measures come from dist/.
import { spawnTypeScript } from '../../libs/testing/src/typescript-child.ts';

const child = spawnTypeScript('test/bench/main.ts', { args: process.argv.slice(2), env: process.env });
child.stdout.pipe(process.stdout);
child.stderr.pipe(process.stderr);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
