// The fast gate. Every step is an npm script of its own, so a failure names the command that repeats or repairs it.
import { spawn } from 'node:child_process';

const STEPS = [
  { script: 'format:check', repair: 'npm run format' },
  { script: 'lint', repair: 'npm run lint -- --fix' },
  { script: 'typecheck' },
  { script: 'boundaries' },
  { script: 'knip' },
  { script: 'generate', args: ['--', '--check'], repair: 'npm run generate' },
];

const runStep = ({ script, args = [] }) =>
  new Promise((resolve) => {
    const startedAt = Date.now();
    let output = '';
    const child = spawn('npm', ['run', '--silent', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => resolve({ code: code ?? 1, output, seconds: (Date.now() - startedAt) / 1000 }));
  });

// Two at a time: lint is the longest and would otherwise stand alone at the end.
const queue = [...STEPS].sort((left, right) => Number(right.script === 'lint') - Number(left.script === 'lint'));
let failed = 0;
const worker = async () => {
  for (let step = queue.shift(); step; step = queue.shift()) {
    const { code, output, seconds } = await runStep(step);
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${step.script} (${seconds.toFixed(1)} s)`);
    if (code !== 0) {
      failed += 1;
      console.log(output.trim());
      if (step.repair) console.log(`repair: ${step.repair}`);
    }
  }
};
await Promise.all([worker(), worker()]);
process.exit(failed ? 1 : 0);
