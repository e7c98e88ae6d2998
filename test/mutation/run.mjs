// `npm run test:mutation`: turns rules of the engine round, one at a time, and expects its own tests to notice each. `--only TEXT` picks by concept.
import { run } from '../../scripts/install.mjs';
import { MUTANTS } from './mutants.mjs';

const at = process.argv.indexOf('--only');
const only = at < 0 ? '' : (process.argv[at + 1] ?? '');

const RULES = 'libs/engine/src/rules.spec.ts';

const test = (mode, ...files) =>
  run('vitest', ['run', '--config', 'test/mutation/vitest.config.mjs', '--mode', mode, ...files], { env: { FORCE_COLOR: '0' } });

const verdictOf = ({ code, output = '' }) =>
  code === 0 ? 'SURVIVED' : /Tests .*\d+ failed/.test(output) ? 'caught' : 'could not be tried';

const sound = await test('sound', RULES);
if (sound.code !== 0) {
  console.error(`The tests fail without any mutant.\n${sound.output}`);
  process.exit(1);
}
const missed = [];
for (const [index, { concept, file }] of MUTANTS.entries()) {
  if (!concept.includes(only)) continue;
  let result = await test(`mutant-${index}`, RULES);
  // Only what the plain tests of the rules let pass is put before all others, the properties included.
  if (verdictOf(result) === 'SURVIVED') result = await test(`mutant-${index}`);
  const verdict = verdictOf(result);
  const by = /FAIL +\S+ > (.*)/.exec(result.output ?? '')?.[1] ?? '';
  console.log(`${verdict.padEnd(8)} ${concept} (${file})${by === '' ? '' : `\n         by ${by}`}`);
  if (verdict !== 'caught') missed.push(concept);
}
if (missed.length > 0) {
  console.error(`not caught: ${missed.join(', ')}`);
  process.exit(1);
}
