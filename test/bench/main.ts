import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { BenchRun } from './bench-run.js';
import { measureArchive } from './archive-bench.js';
import { measureArchiving } from './archiving-bench.js';
import { measureArtifacts } from './artifact-bench.js';
import { type ClusterOptions, measureCluster } from './cluster-bench.js';
import { measureIdle, measureSequentialSteps } from './embedded-benches.js';
import { measureEngine } from './engine-bench.js';
import { measureExpressions } from './expression-bench.js';
import { type Figure, isReached, tableOf } from './figures.js';
import { measureBurst, measureBurstOfOne, measureLargeWorkflow } from './fleet-benches.js';

const BENCHES: Record<
  string,
  {
    about: string;
    byDefault: boolean;
    measure: (run: BenchRun, options: ClusterOptions & { sizeMib: number }) => Promise<Figure[]>;
  }
> = {
  engine: { about: 'the engine alone', byDefault: true, measure: measureEngine },
  expressions: { about: 'expressions alone', byDefault: true, measure: measureExpressions },
  artifacts: { about: 'artifact transfer against cp and a plain upload to S3', byDefault: true, measure: measureArtifacts },
  idle: { about: 'start and idle cost of the embedded stack', byDefault: true, measure: measureIdle },
  sequential: { about: '40 sequential steps, sandbox, embedded stack', byDefault: true, measure: measureSequentialSteps },
  burst: { about: '500 workflows at once, one of each service and two of two', byDefault: true, measure: measureBurst },
  'burst-one': { about: 'the first half of burst', byDefault: false, measure: measureBurstOfOne },
  archive: { about: 'lists of 1,000,000 archived workflows', byDefault: false, measure: measureArchive },
  archiving: {
    about: 'what archiving 2,000 workflows a minute costs the scheduler',
    byDefault: false,
    measure: measureArchiving,
  },
  cluster: { about: 'workflows and pods on a Kubernetes cluster', byDefault: false, measure: measureCluster() },
  'cluster-executor': { about: 'memory of the executor, a part of it', byDefault: false, measure: measureCluster('executor') },
  'cluster-writes': { about: 'writes to the API server, a part of it', byDefault: false, measure: measureCluster('writes') },
  'cluster-chain': {
    about: 'a chain of --cluster-steps steps, a part of it',
    byDefault: false,
    measure: measureCluster('chain'),
  },
  large: { about: 'one workflow with 2,000 and with 20,000 nodes', byDefault: true, measure: measureLargeWorkflow },
};

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    list: { type: 'boolean' },
    'artifact-mib': { type: 'string', default: '1024' },
    'cluster-workflows': { type: 'string', default: '1000' },
    'cluster-steps': { type: 'string', default: '40' },
  },
});

const main = async (): Promise<number> => {
  if (values.list) {
    for (const [name, { about }] of Object.entries(BENCHES)) console.log(`${name.padEnd(12)}${about}`);
    return 0;
  }
  const wrong = (['artifact-mib', 'cluster-workflows', 'cluster-steps'] as const).find(
    (name) => !/^[1-9]\d*$/.test(values[name]),
  );
  if (wrong !== undefined) {
    console.error(`--${wrong} must be a number above 0`);
    return 2;
  }
  const options = {
    sizeMib: Number(values['artifact-mib']),
    workflows: Number(values['cluster-workflows']),
    steps: Number(values['cluster-steps']),
  };
  const unknown = (values.only ?? []).filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    console.error(`there is no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
    return 2;
  }
  const chosen = Object.entries(BENCHES).filter(([name, { byDefault }]) => values.only?.includes(name) ?? byDefault);
  const figures: Figure[] = [];
  const failed: string[] = [];
  const loads: Record<string, number> = {};
  for (const [name, { about, measure }] of chosen) {
    console.log(`${name}: ${about} …`);
    loads[name] = loadavg()[0] ?? 0;
    try {
      figures.push(...(await inRunOfItsOwn((run) => measure(run, options))));
    } catch (error) {
      failed.push(name);
      console.error(error);
    }
  }
  const missed = figures.filter((figure) => isReached(figure) === false);
  console.log(`\n${tableOf(figures)}\n`);
  const loadText = Object.entries(loads).map(([name, load]) => `${name} ${load.toFixed(1)}`);
  console.log(`${cpus().length} cores; load average before each: ${loadText.join(', ')}`);
  if (missed.length > 0) console.log(`${missed.length} goals missed`);
  else console.log(failed.length > 0 ? 'no goal missed by what was measured' : 'all goals reached');
  if (failed.length > 0) console.log(`could not be measured: ${failed.join(', ')}`);
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ cores: cpus().length, loadAverage: loads, failed, figures }, null, 2)}\n`);
  return missed.length + failed.length === 0 ? 0 : 1;
};

const inRunOfItsOwn = async (measure: (run: BenchRun) => Promise<Figure[]>): Promise<Figure[]> => {
  const run = await BenchRun.begin();
  const interrupted = (): void => void run.end().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await measure(run);
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await run.end();
  }
};

process.exit(await main());
