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
import { KNOWN_DIFFERENCES } from './known-differences.js';
import { applyObject, type Comparison, play } from './play.js';
import { missingInCluster, openRecordedCluster, type RecordedCluster } from './recorded-cluster.js';
import { missingServerOf, type RecordedServers, startRecordedServers } from './recorded-servers.js';
import { readRecordings, type RecordedObject, type Recording, unsupportedIn } from './recordings.js';

const shared = sharedFolder();
const folder = shared === undefined ? undefined : path.join(shared, 'conformance');

interface Tally {
  passed: number;
  total: number;
  firstPassed: number;
  firstTotal: number;
}

/** A group of recordings, in the namespace in which they were recorded, on one stack of its own. */
export interface Suite {
  title: string;
  group: string;
  namespace: string;
  runtime: 'simulated' | 'sandbox' | 'kubernetes';
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
const TIMEOUT_MS = 240_000;
/** Who asked for what, in the recorder's cluster. */
const RECORDED_ACCOUNT: Readonly<Record<string, string>> = { argo: 'system:serviceaccount:argo:argo-server' };

/** One after the other through a lock they would sleep for minutes: a tenth of it has the same end. */
const hurried = (recording: Recording): Recording => {
  const text = JSON.stringify(recording.workflow);
  if (!text.includes('"synchronization"')) return recording;
  return { ...recording, workflow: JSON.parse(text.replaceAll(/\bsleep ([1-9]\d*)0\b/g, 'sleep $1')) as Recording['workflow'] };
};

const recordingsOf = ({ group, runtime }: Suite): Recording[] => {
  if (folder === undefined) return [];
  const runnable = readRecordings(folder, group)
    .filter((recording) => unsupportedIn(recording).length === 0)
    .map(hurried);
  return group === 'random' && runtime !== 'simulated'
    ? runnable.filter(({ argoNeverEnds }) => !argoNeverEnds).slice(0, SANDBOXED_RANDOM)
    : runnable;
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

/** Registers the tests of the suites: every recorded workflow that can run ends as it did in the real Argo. */
export const playRecordings = (suites: readonly Suite[]): void => {
  if (folder === undefined) {
    it.skip('recordings of the real Argo are not on this machine (set ARGOSY_SHARED to their folder)', () => undefined);
  }

  describe.skipIf(folder === undefined).each(suites)('$title', (suite) => {
    const all = recordingsOf(suite);
    const skipped = new Map(
      all.map((recording) => [
        recording.name,
        KNOWN_DIFFERENCES[recording.name] ??
          missingServerOf(recording) ??
          (suite.runtime === 'kubernetes' ? missingInCluster(recording) : undefined),
      ]),
    );
    const recordings = all.filter(({ name }) => skipped.get(name) === undefined);
    const tally: Tally = { passed: 0, total: 0, firstPassed: 0, firstTotal: 0 };
    let stack: { url: string; stop(): Promise<void> };
    let servers: RecordedServers;
    let cluster: RecordedCluster | undefined;
    let dataDir: string;
    let comparison: Comparison;

    beforeAll(async () => {
      comparison = (await import(pathToFileURL(path.join(folder ?? '', 'compare.mjs')).href)) as Comparison;
      const account = RECORDED_ACCOUNT[suite.namespace];
      cluster = suite.runtime === 'kubernetes' ? await openRecordedCluster(suite.namespace, recordings) : undefined;
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
      console.log(
        `conformance: ${suite.title}: ${tally.passed} of ${tally.total}, of those marked first ${tally.firstPassed} of ${tally.firstTotal}`,
      );
      await stack.stop();
      await servers.stop();
      await cluster?.close();
      await rm(dataDir, { recursive: true, force: true });
    });

    for (const [name, reason] of skipped) {
      if (reason !== undefined) it.skip(`${name}: ${reason}`, () => undefined);
    }

    it.concurrent.each(recordings)('$name ends as in the real Argo', async (recording) => {
      tally.total += 1;
      if (recording.first) tally.firstTotal += 1;
      const found = await play(servers.atLocalAddresses(recording), {
        url: stack.url,
        namespace: suite.namespace,
        comparison,
        timeoutMs: TIMEOUT_MS,
        ...(cluster === undefined ? {} : { onObject: cluster.apply }),
      });
      if (found.length === 0) {
        tally.passed += 1;
        if (recording.first) tally.firstPassed += 1;
      }
      expect(found).toEqual([]);
    });
  });
};
