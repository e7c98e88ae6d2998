import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_PARTS } from '#libs/testing';
import { EmbeddedPlace } from '../harness/embedded-place.js';

const WALK = path.join(import.meta.dirname, 'hera-walk.py');
const LIMIT_MS = 110_000;

const python = (...args: string[]): Promise<{ stdout: string }> =>
  promisify(execFile)('python3', args, {
    env: { ...process.env, PYTHONPATH: path.join(TEST_PARTS, 'hera'), PYTHONDONTWRITEBYTECODE: '1' },
    timeout: LIMIT_MS,
  });

const why = await python('-c', 'import hera.workflows').then(
  () => '',
  () => ' (skipped: `node scripts/install-test-parts.mjs` fetches hera, which needs Python 3.10 or later)',
);

describe.skipIf(why !== '')(`the Python client Hera${why}`, () => {
  let place: EmbeddedPlace;

  beforeAll(async () => {
    place = await EmbeddedPlace.open({ name: 'hera', runtime: 'sandbox' });
  });
  afterAll(() => place?.close());

  it('writes, submits, follows and steers workflows as with a server of Argo', async () => {
    const { stdout } = await python(WALK, place.url, 'Bearer unused');
    expect(JSON.parse(stdout)).toEqual({
      graph: { first: 'Succeeded', second: 'Succeeded' },
      artifact: "b'kept\\n'",
      listed: true,
      template: ['echo hello'],
      greeting: 'Succeeded',
      selected: 1,
      'cluster templates': ['greet-all'],
      'templates left': null,
      suspended: true,
      schedules: ['0 4 * * *'],
      resumed: 'Succeeded',
      set: 'Succeeded',
      stopped: 'Failed',
      terminated: 'Failed',
      retried: 'Succeeded',
      archived: 3,
      resubmitted: 'Succeeded',
      'label keys': true,
      unknown: 'NotFound: Server returned status code 404 with message: `workflows.argoproj.io "nothing" not found`',
      invalid: "BadRequest: Server returned status code 400 with message: `template name 'nowhere' undefined`",
    });
  });
});
