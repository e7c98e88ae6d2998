// The gate of continuous integration: `npm run check`, `npm test`, then the conformance suite. Ends with one line of totals.
import { mkdtempSync, readFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalled, run } from './install.mjs';

const MESSAGE_CHARACTERS = 2000;
const reports = mkdtempSync(join(tmpdir(), 'argosy-ci-'));
const totals = { passed: 0, failed: 0, skipped: 0 };
/** What failed, told again at the end, where a cut log still shows it. */
const failures = [];

/** Adds what a vitest run wrote as JSON; a run without a report counts as a failure of its own. */
const addReport = (file, code, name) => {
  if (!existsSync(file)) {
    totals.failed += 1;
    failures.push(`${name}: no report was written (exit code ${code})`);
    return;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  totals.passed += report.numPassedTests;
  totals.failed += report.numFailedTests;
  totals.skipped += report.numPendingTests + (report.numTodoTests ?? 0);
  for (const found of report.testResults) {
    const failed = found.assertionResults.filter(({ status }) => status === 'failed');
    for (const test of failed) failures.push(failure(`${found.name} ${test.fullName}`, test.failureMessages.join('\n')));
    if (found.status === 'failed' && failed.length === 0) failures.push(failure(found.name, found.message));
  }
  if (code !== 0 && report.numFailedTests === 0) {
    totals.failed += 1;
    failures.push(`${name}: ended with exit code ${code}, though no test failed`);
  }
};

const failure = (name, message) => `FAILED ${name}\n${(message ?? '').slice(0, MESSAGE_CHARACTERS)}`;

const suite = async (name, script, file) => {
  const startedAt = Date.now();
  const args = ['run', '--silent', script, '--', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const { code } = await run('npm', args, { show: true });
  addReport(file, code, name);
  console.log(`${name}: ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
};

await ensureInstalled();
// The parts for the tests are fetched and built while the gate runs; the suite then finds them there.
const parts = run('node', ['scripts/install-test-parts.mjs']);
const check = await run('npm', ['run', '--silent', 'check']);
console.log(check.output);
await parts;
if (check.code !== 0) {
  totals.failed += 1;
  failures.push(`FAILED npm run check\n${check.output.slice(-MESSAGE_CHARACTERS)}`);
}
await suite('npm test', 'test', join(reports, 'suite.json'));
await suite('conformance', 'test:conformance', join(reports, 'conformance.json'));

for (const text of failures) console.log(text);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed > 0 ? 1 : 0);
