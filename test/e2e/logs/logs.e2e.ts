import { createArtifactDrivers } from '#libs/artifacts';
import { missingPart, startS3 } from '#libs/testing';
import { parseManifests } from '#libs/workflow-spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../../services/cli/src/client/api-client.js';
import { Fleet, NAMESPACE, type ProgramName, whyNot } from '../harness/fleet.js';
import { patiently } from '../harness/patiently.js';
import { argosy } from '../harness/program.js';

const reason = await whyNot();
const s3 = reason === undefined ? await startS3() : undefined;
const why = reason ?? (s3 === undefined ? missingPart('versitygw') : undefined);

const WAIT_MS = 60_000;
const PROGRAMS: readonly ProgramName[] = ['scheduler-a', 'pod-manager-a', 'server'];

const workflow = (name: string, script: string): string => `
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
spec:
  entrypoint: main
  podGC: { strategy: OnPodCompletion, deleteDelayDuration: 0s }
  templates:
    - name: main
      container: { image: busybox, command: [sh, -c], args: [${JSON.stringify(script)}] }
`;

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`);
const print = (from: number, to: number): string => `i=${from}; while [ $i -le ${to} ]; do echo line $i; i=$((i+1)); done`;

describe.skipIf(why !== undefined)(`logs in an S3 bucket ${why ?? ''}`, () => {
  let fleet: Fleet;
  let drivers: ReturnType<typeof createArtifactDrivers>;
  const secrets: Record<string, string> = { access: s3?.accessKey ?? '', secret: s3?.secretKey ?? '' };
  const block = {
    endpoint: s3?.endpoint ?? '',
    bucket: s3?.bucket ?? '',
    insecure: true,
    accessKeySecret: { name: 'keys', key: 'access' },
    secretKeySecret: { name: 'keys', key: 'secret' },
  };

  beforeAll(async () => {
    fleet = await Fleet.prepare({
      ARTIFACT_REPOSITORY: JSON.stringify({ archiveLogs: true, s3: block }),
      LOG_SEGMENT_SIZE: '64Ki',
      LOG_SEGMENT_INTERVAL: '300ms',
    });
    await fleet.start(PROGRAMS);
    const client = new ApiClient({ baseUrl: `http://${fleet.serverAddress}`, headers: {} });
    await client.send('PUT', `/api/argosy/v1/resources/secrets/${NAMESPACE}/keys`, { stringData: secrets });
    drivers = createArtifactDrivers({ clock: { nowMs: () => Date.now() }, readSecret: async ({ key }) => secrets[key] });
  }, 120_000);
  afterAll(async () => {
    drivers?.close();
    await fleet?.tearDown();
    await s3?.stop();
  });

  const keysOf = async (name: string): Promise<string[]> => {
    const location = { s3: { ...block, key: name } };
    const keys: string[] = [];
    for await (const { key } of drivers.driverFor(location, { namespace: NAMESPACE }).list(location)) keys.push(key);
    return keys;
  };
  const submit = async (name: string, script: string): Promise<void> => {
    await fleet.api.create(parseManifests(workflow(name, script))[0]?.value as never);
  };
  const logs = async (name: string, query: Record<string, string> = {}): Promise<string[]> => {
    const lines: string[] = [];
    for await (const { content = '' } of fleet.api.logs(name, query)) lines.push(content);
    return lines;
  };
  const cli = async (...args: string[]): Promise<string> =>
    (await argosy(['logs', '-n', NAMESPACE, ...args], { ARGO_SERVER: fleet.serverAddress })).stdout;
  const untilShipped = (name: string, count: number): Promise<void> =>
    patiently(
      async () => (await logs(name)).length >= count && (await keysOf(name)).some((key) => key.includes('.segments/')),
      () => `${count} lines of ${name} are shipped`,
      WAIT_MS,
    );
  const untilEnded = async (name: string, phase: string): Promise<void> => {
    let last: unknown;
    await patiently(
      async () => {
        const { status } = await fleet.api.get(name);
        last = status;
        return status?.phase === phase;
      },
      () => `${name} is ${phase}; it is ${JSON.stringify(last)}`,
      WAIT_MS,
    );
  };
  const podIsGone = (name: string): Promise<void> =>
    patiently(
      async () =>
        (
          await fleet.query<{ left: number }>(
            `SELECT count(*)::integer AS left FROM pods p JOIN workflows w ON w.uid = p.workflow JOIN pod_status st ON st.workflow = p.workflow
           WHERE w.name = $1 AND st.deleted_at_ms IS NULL`,
            [name],
          )
        )[0]?.left === 0,
      () => `the pod of ${name} is deleted`,
      WAIT_MS,
    );
  const artifactsOf = async (name: string): Promise<unknown> =>
    Object.values((await fleet.api.get(name)).status?.nodes ?? {}).map(({ outputs }) => outputs?.artifacts);
  const settled = (name: string): Promise<void> =>
    patiently(
      async () => (await keysOf(name)).join() === `${name}/${name}/main.log`,
      () => `the bucket has what Argo would leave of ${name}`,
      WAIT_MS,
    );

  it('are there when the pod is deleted, lines selected as they are of a running one', async () => {
    await submit('plain', print(1, 1_000));
    await untilEnded('plain', 'Succeeded');
    await podIsGone('plain');
    await settled('plain');
    expect(await artifactsOf('plain')).toMatchObject([[{ name: 'main-logs', s3: { key: 'plain/plain/main.log' } }]]);
    expect(await logs('plain')).toEqual(numbers(1, 1_000));
    expect(await cli('plain', '--tail', '200', '--grep', '^line 99.$')).toBe(
      numbers(990, 999)
        .map((line) => `plain: ${line}\n`)
        .join(''),
    );
    expect(await logs('plain', { 'logOptions.sinceTime': '2100-01-01T00:00:00Z' })).toEqual([]);
    const shown = await fetch(
      `http://${fleet.serverAddress}/artifact-files/${NAMESPACE}/workflows/plain/plain/outputs/main-logs`,
    );
    expect([shown.headers.get('content-type'), await shown.text()]).toEqual([
      'text/plain; charset=utf-8',
      `${numbers(1, 1_000).join('\n')}\n`,
    ]);
  });

  it('of a program that was killed have all that it printed, a last word without line break included', async () => {
    await submit('killed', `${print(1, 500)}; printf 'last word'; kill -9 $$$$`);
    await untilEnded('killed', 'Failed');
    await podIsGone('killed');
    await settled('killed');
    expect(await logs('killed')).toEqual([...numbers(1, 500), 'last word']);
  });

  it('of a pod that is killed as a whole have what it had printed', async () => {
    await submit('lost', `${print(1, 500)}; sleep 60`);
    await untilShipped('lost', 500);
    for (const pid of (await fleet.podInits()).values()) process.kill(pid, 'SIGKILL');
    await untilEnded('lost', 'Error');
    await podIsGone('lost');
    await settled('lost');
    expect(await logs('lost')).toEqual(numbers(1, 500));
    expect(await artifactsOf('lost')).toMatchObject([[{ name: 'main-logs', s3: { key: 'lost/lost/main.log' } }]]);
  });

  it('go on where the pod-manager is killed in the middle: nothing is lost, nothing comes twice', async () => {
    const podManager = fleet.programs['pod-manager-a'];
    await submit('survivor', `${print(1, 800)}; sleep 3; ${print(801, 1_600)}`);
    const following = logs('survivor', { 'logOptions.follow': 'true' });
    await untilShipped('survivor', 800);
    await podManager.kill();
    // Nobody is there who could read the pod's own log.
    expect(await logs('survivor')).toEqual(numbers(1, 800));
    podManager.start();
    await untilEnded('survivor', 'Succeeded');
    expect(await following).toEqual(numbers(1, 1_600));
    await podIsGone('survivor');
    await settled('survivor');
    expect(await logs('survivor')).toEqual(numbers(1, 1_600));
  });
});
