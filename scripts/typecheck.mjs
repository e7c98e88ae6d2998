// Types of everything, then of each pure library by itself without Node's types: that is what proves them free of I/O.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const PURE_LIBS = ['workflow-spec', 'expressions', 'engine', 'pod-spec', 'jobs'];
const compiler = join(dirname(createRequire(import.meta.url).resolve('ts7/package.json')), 'bin/tsc');
const projects = ['tsconfig.json', ...PURE_LIBS.map((lib) => `libs/${lib}/tsconfig.lib.json`)];

let failed = false;
for (const project of projects) {
  const { status } = spawnSync(process.execPath, [compiler, '--noEmit', '-p', project], { stdio: 'inherit' });
  if (status !== 0) {
    failed = true;
    console.error(`typecheck: ${project} failed`);
  }
}
process.exit(failed ? 1 : 0);
