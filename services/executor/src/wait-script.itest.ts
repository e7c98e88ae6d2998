import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { eventually } from '#libs/testing';

const SCRIPT = fileURLToPath(new URL('../pod/wait.sh', import.meta.url));
/** The script is written for busybox; of other shells bash alone reads with a time limit. */
const skipped = process.platform === 'linux' && existsSync('/bin/bash') ? undefined : 'skipped: the script needs bash on Linux';

/** In place of the executor: notes each start with what it was told, and does the step that has the number of the start. */
const EXECUTOR = `#!/bin/bash
cd "\${0%/*}"
echo "asked=$ASKED_TO_END_AT" >> starts
exec bash "./step-$(wc -l < starts)" "$3"
`;
const SAVES = `echo '{}' > "$1"`;
/** As a program that has not begun to hear signals. */
const DEAF = 'sleep 60 & echo $! > deaf; wait';
const GIVES_UP = `trap 'echo over >&2; exit 143' TERM; touch listens; while :; do sleep 0.05; done`;

describe.skipIf(skipped !== undefined)(`the script of wait${skipped === undefined ? '' : `: ${skipped}`}`, () => {
  let folder = '';
  let child: ChildProcess | undefined;
  const at = (...parts: string[]): string => join(folder, ...parts);
  const read = (...parts: string[]): string => readFileSync(at(...parts), 'utf8');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wait-script-'));
    mkdirSync(at('shared', 'ctr', 'main'), { recursive: true });
    execFileSync(
      'mkfifo',
      ['news', 'ctr/main/news', 'ctr/main/alive'].map((name) => at('shared', name)),
    );
    writeFileSync(at('shared', 'ctr', 'main', 'exitcode'), '0');
    const script = readFileSync(SCRIPT, 'utf8')
      .replaceAll('/var/run/argo', at('shared'))
      .replaceAll('/tmp/argosy', at('work'))
      .replaceAll('/dev/termination-log', at('said'));
    writeFileSync(at('wait.sh'), script);
    program('busybox', '#!/bin/bash\nexec "$@"\n');
    program('executor', EXECUTOR);
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    if (existsSync(at('deaf'))) spawn('kill', [read('deaf').trim()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const program = (name: string, text: string): void => {
    writeFileSync(at(name), text);
    chmodSync(at(name), 0o755);
  };
  /** Gives the exit code. */
  const run = (...steps: string[]): Promise<number | null> => {
    steps.forEach((step, index) => writeFileSync(at(`step-${index + 1}`), step));
    const env = {
      PATH: process.env['PATH'],
      ARGOSY_CONTAINERS: 'main main',
      ARGOSY_OUTPUT_CONTAINER: 'main',
      ARGOSY_MOVES: 'true',
    };
    const started = spawn('/bin/bash', [at('wait.sh')], { env, stdio: 'ignore' });
    child = started;
    // The wrapper of main, which has ended: its end of the pipe closes.
    spawn('/bin/bash', ['-c', ': > "$0"', at('shared', 'ctr', 'main', 'alive')], { stdio: 'ignore' });
    return new Promise((resolve) => started.once('exit', resolve));
  };
  const term = async (after: string): Promise<void> => {
    await eventually(
      () => existsSync(at(after)),
      () => `${after} is not there`,
    );
    child?.kill('SIGTERM');
  };
  const starts = (): string[] => read('starts').trim().split('\n');

  it('says what was saved', async () => {
    expect(await run(SAVES)).toBe(0);
    expect(read('said')).toMatch(/^argosy report \d+ \S+$/);
  });

  it('starts an executor again that the end of the pod has met before it could hear of it, and says when that was', async () => {
    const ended = run(DEAF, SAVES);
    await term('deaf');
    expect(await ended).toBe(0);
    expect(starts()).toEqual(['asked=', expect.stringMatching(/^asked=\d+$/)]);
  });

  it('ends as an executor that gives up, without another', async () => {
    const ended = run(GIVES_UP, SAVES);
    await term('listens');
    expect(await ended).toBe(143);
    expect(starts()).toHaveLength(1);
  });

  it('starts one again whose store was away', async () => {
    expect(await run('exit 75', SAVES)).toBe(0);
    expect(starts()).toHaveLength(2);
  });
});
