import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#libs/observability';
import { sharedFolder } from '#libs/testing';
import { type EmbeddedStack, startEmbeddedStack } from '../../services/cli/src/embedded/embedded-stack.js';
import { ApiClient } from '../../services/cli/src/client/api-client.js';
import { writeImages } from './images.js';
import { knownDifference } from './known-differences.js';
import { inPortion, type Portion } from './portion.js';
import { withImagesOfCluster } from './cluster-images.js';
import { applyObject, type Comparison, play } from './play.js';
import { missingInCluster, needsObjects, openRecordedCluster, type RecordedCluster } from './recorded-cluster.js';
import { missingServerOf, type RecordedServers, startRecordedServers } from './recorded-servers.js';
import { RecordedTally } from './recorded-tally.js';
import { readRecordings, type RecordedObject, type Recording, unsupportedIn } from './recordings.js';

const shared = sharedFolder();
const folder = shared === undefined ? undefined : path.join(shared, 'conformance');

/** A group of recordings, in the namespace in which they were recorded, on one stack of its own. */
export interface Suite {
  title: string;
  group: string;
  namespace: string;
  runtime: 'simulated' | 'sandbox' | 'kubernetes';
  /** Those recordings of the group that need workflows and templates as objects of the cluster; where absent, the others. */
  withObjects?: boolean;
  /** All of it where absent. */
  portion?: Portion | undefined;
}

/** Objects that stood in the recorder's cluster beside those that a recording names. */
const standingObjects = (repository: object = { filesystem: {} }): readonly RecordedObject[] => [
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'simple-parameters' }, data: { msg: 'hello world' } },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'artifact-repositories' },
    data: { 'my-key': JSON.stringify({ ...repository, archiveLogs: true }) },
  },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'my-secret' }, data: { mypassword: 'UzAwcGVyUzNjcmV0' } },
];
/** Limits of database semaphores that stood in the recorder's database. */
const STANDING_LIMITS: Readonly<Record<string, number>> = { template: 2, workflow: 2 };
/** As real processes only some of the random ones: their outcome does not depend on the runtime. */
const SANDBOXED_RANDOM = 50;
/** How long a recording may take; a pod of a cluster takes seconds, and on a machine that has other work many. */
const TIMEOUT_MS = 240_000;
const CLUSTER_TIMEOUT_MS = 570_000;
/** The test outlives the play, which then says what was not reached. */
const TEST_MARGIN_MS = 60_000;
/** Who asked for what, in the recorder's cluster. */
const RECORDED_ACCOUNT: Readonly<Record<string, string>> = { argo: 'system:serviceaccount:argo:argo-server' };

/** One after the other through a lock they would sleep for minutes: a tenth of it has the same end. */
const hurried = (recording: Recording): Recording => {
  const text = JSON.stringify(recording.workflow);
  if (!text.includes('"synchronization"')) return recording;
  return { ...recording, workflow: JSON.parse(text.replaceAll(/\bsleep ([1-9]\d*)0\b/g, 'sleep $1')) as Recording['workflow'] };
};

const recordingsOf = ({ group, runtime, withObjects = false, portion }: Suite): Recording[] => {
  if (folder === undefined) return [];
  const runnable = readRecordings(folder, group)
    .filter((recording) => unsupportedIn(recording).length === 0)
    .filter((recording) => runtime !== 'kubernetes' || needsObjects(recording) === withObjects)
    .map(hurried);
  const chosen =
    group === 'random' && runtime !== 'simulated'
      ? runnable.filter(({ argoNeverEnds }) => !argoNeverEnds).slice(0, SANDBOXED_RANDOM)
      : runnable;
  return inPortion(chosen, portion);
};

/** Why a recording is not run, by its name. */
const skippedOf = (recordings: readonly Recording[], { runtime }: Suite): Map<string, string> => {
  const reasons = recordings.map((recording): [string, string | undefined] => [
    recording.name,
    knownDifference(recording, runtime) ??
      missingServerOf(recording) ??
      (runtime === 'kubernetes' ? missingInCluster(recording) : undefined),
  ]);
  return new Map(reasons.filter((entry): entry is [string, string] => entry[1] !== undefined));
};

/** All services in this process. */
const startHere = async (
  { runtime }: Suite,
  dataDir: string,
  variables: Readonly<Record<string, string>>,
): Promise<EmbeddedStack> => {
  for (const name of ['SERVICE_ACCOUNT', 'ARTIFACT_REPOSITORY']) delete process.env[name];
  Object.assign(process.env, variables);
  return startEmbeddedStack({
    dataDir: path.join(dataDir, 'data'),
    runtime,
    imagesFile: await writeImages(path.join(folder ?? '', 'images/images.yaml'), dataDir),
    port: 0,
    queuesWrite: false,
    logger: createLogger({ program: 'conformance', level: 'error', format: 'text' }),
  });
};

const declareSuite = (suite: Suite, all: readonly Recording[]): void => {
  const skipped = skippedOf(all, suite);
  const recordings = all.filter(({ name }) => !skipped.has(name));
  const timeoutMs = suite.runtime === 'kubernetes' ? CLUSTER_TIMEOUT_MS : TIMEOUT_MS;
  const tally = new RecordedTally(suite.title, all, skipped);
  let stack: { url: string; urlForPods?: string; stop(): Promise<void> };
  let servers: RecordedServers;
  let cluster: RecordedCluster | undefined;
  let dataDir: string;
  let comparison: Comparison;

  beforeAll(async () => {
    comparison = (await import(pathToFileURL(path.join(folder ?? '', 'compare.mjs')).href)) as Comparison;
    const account = RECORDED_ACCOUNT[suite.namespace];
    const { namespace, withObjects = false } = suite;
    cluster = suite.runtime === 'kubernetes' ? await openRecordedCluster({ namespace, recordings, withObjects }) : undefined;
    dataDir = await mkdtemp(path.join(tmpdir(), 'argosy-conformance-'));
    servers = await startRecordedServers(cluster?.hostOfPods);
    // Pods of a cluster do not see the folder of this machine in which artifacts are kept otherwise.
    const repository = cluster === undefined ? undefined : servers.repository;
    const variables = {
      ...(account === undefined ? {} : { SERVICE_ACCOUNT: account }),
      ...(repository === undefined ? {} : { ARTIFACT_REPOSITORY: JSON.stringify(repository) }),
    };
    stack = await (cluster?.start(variables) ?? startHere(suite, dataDir, variables));
    const client = new ApiClient({ baseUrl: stack.url, headers: {} });
    for (const object of [...standingObjects(cluster === undefined ? undefined : servers.repository), ...servers.objects]) {
      await applyObject(client, object, suite.namespace);
      await cluster?.apply(object);
    }
    for (const [key, limit] of Object.entries(STANDING_LIMITS))
      await client.send('POST', `/api/v1/sync/${suite.namespace}`, { type: 'DATABASE', key, limit });
  });

  afterAll(async () => {
    for (const line of tally.lines()) console.log(line);
    await stack.stop();
    await servers.stop();
    await cluster?.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  for (const [name, reason] of skipped) it.skip(`${name}: ${reason}`, () => undefined);

  // Not `each`, which cuts names short that one may want to ask for.
  for (const recording of recordings) {
    it.concurrent(
      `${recording.name} ends as in the real Argo`,
      async () => {
        tally.begin(recording);
        const local = servers.atLocalAddresses(recording);
        const found = await play(cluster === undefined ? local : withImagesOfCluster(local, stack.urlForPods), {
          url: stack.url,
          namespace: suite.namespace,
          comparison,
          timeoutMs,
          ...(cluster === undefined ? {} : { onObject: cluster.apply }),
        });
        expect(found).toEqual([]);
        tally.pass(recording);
      },
      timeoutMs + TEST_MARGIN_MS,
    );
  }
};

/** Registers the tests of the suites: every recorded workflow that can run ends as it did in the real Argo. */
export const playRecordings = (suites: readonly Suite[]): void => {
  if (folder === undefined) {
    it.skip('recordings of the real Argo are not on this machine (set ARGOSY_SHARED to their folder)', () => undefined);
  }

  for (const suite of suites) {
    const recordings = recordingsOf(suite);
    if (recordings.length > 0) describe(suite.title, () => declareSuite(suite, recordings));
  }
};
