import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { missingPart, startS3, type TestS3 } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { FaultyStore, type StoreMood } from '../harness/faulty-store.js';
import { Fleet, whyNot } from '../harness/fleet.js';
import { patiently } from '../harness/patiently.js';

const LIMIT_MS = 120_000;
/** How long the store is away; longer by ARGOSY_OUTAGE_S. */
const OUTAGE_MS = Number(process.env['ARGOSY_OUTAGE_S'] ?? 3) * 1000;
const SIZE_BYTES = 12_000_000;
const NAMES = ['store-a', 'store-b'];
const probe = await startS3();
await probe?.stop();
const reason = (await whyNot()) ?? (probe === undefined ? missingPart('versitygw') : undefined);

const workflowOf = (name: string, journalPort: number): Workflow => {
  const tell = `exec 3<>/dev/tcp/127.0.0.1/${journalPort} && echo "{{pod.name}}" >&3 && read -r answer <&3 && [ "$answer" = ok ] || exit 99`;
  return parse(`
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - [{ name: make, template: make }]
        - - name: take
            template: take
            arguments: { artifacts: [{ name: data, from: "{{steps.make.outputs.artifacts.data}}" }] }
    - name: make
      container:
        image: busybox
        command: [bash, -c]
        args:
          - |
            ${tell}
            head -c ${SIZE_BYTES} /dev/urandom > /tmp/data
            cksum < /tmp/data > /tmp/sum
      outputs:
        artifacts: [{ name: data, path: /tmp/data, archive: { none: {} } }]
        parameters: [{ name: sum, valueFrom: { path: /tmp/sum } }]
    - name: take
      inputs: { artifacts: [{ name: data, path: /tmp/data }] }
      container:
        image: busybox
        command: [bash, -c]
        args:
          - |
            ${tell}
            cksum < /tmp/data > /tmp/sum
      outputs: { parameters: [{ name: sum, valueFrom: { path: /tmp/sum } }] }
`) as Workflow;
};

describe.skipIf(reason !== undefined)(`a store of artifacts that has bad times${reason ? ` (${reason})` : ''}`, () => {
  let server: TestS3;
  let store: FaultyStore;
  let fleet: Fleet;

  beforeAll(async () => {
    server = (await startS3())!;
    store = await FaultyStore.before(server.endpoint);
    const s3 = { endpoint: store.endpoint, bucket: server.bucket, insecure: true, useSDKCreds: true };
    fleet = await Fleet.prepare({
      ARTIFACT_REPOSITORY: JSON.stringify({ s3 }),
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
    });
    await fleet.start();
  });
  afterAll(async () => {
    await fleet?.tearDown();
    await store?.close();
    await server?.stop();
  });

  const workflows = (): Promise<Workflow[]> => Promise.all(NAMES.map((name) => fleet.api.get(name)));
  /** What the nodes say. */
  const messages = async (): Promise<string[]> =>
    (await workflows()).flatMap(({ status }) => Object.values(status?.nodes ?? {}).flatMap(({ message }) => message ?? []));
  const suffer = async (mood: StoreMood): Promise<void> => {
    store.become(mood);
    await patiently(
      async () => store.hitsOf(mood) > 0,
      () => `somebody meets a store that is ${mood}`,
      LIMIT_MS,
    );
  };
  const unfinishedUploads = async (): Promise<number> => {
    const client = new S3Client({
      endpoint: `http://${server.endpoint}`,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    });
    const { Uploads: uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket }));
    client.destroy();
    return uploads.length;
  };

  it('is waited for: nothing fails, nothing is done twice, nothing is lost or left over', async () => {
    store.become('away');
    for (const name of NAMES) await fleet.api.create(workflowOf(name, fleet.journal.port));
    await patiently(
      async () => fleet.journal.total === NAMES.length,
      () => 'both have made their data',
      LIMIT_MS,
    );
    await suffer('away');
    await patiently(
      async () => (await messages()).filter((message) => /^waits until it has kept its outputs: ./.test(message)).length === 2,
      () => 'the nodes say what they wait for',
      LIMIT_MS,
    );
    await new Promise((settle) => setTimeout(settle, OUTAGE_MS));
    expect((await workflows()).map(({ status }) => status?.phase)).toEqual(['Running', 'Running']);
    await suffer('half');
    await suffer('busy');
    await suffer('slow');
    expect((await workflows()).map(({ status }) => status?.phase)).toEqual(['Running', 'Running']);
    store.become('well');
    await patiently(
      async () =>
        fleet.journal.total === 2 * NAMES.length || (await workflows()).some(({ status }) => status?.phase !== 'Running'),
      () => 'both have taken their data',
      LIMIT_MS,
    );
    await patiently(
      async () => (await workflows()).every(({ status }) => status?.phase === 'Succeeded'),
      () => 'both succeed',
      LIMIT_MS,
    );
    for (const { status } of await workflows()) {
      const sums = Object.values(status?.nodes ?? {}).flatMap(
        ({ outputs }) => outputs?.parameters?.map(({ value }) => value) ?? [],
      );
      expect([sums.length, new Set(sums).size]).toEqual([2, 1]);
    }
    expect(await messages()).toEqual([]);
    expect([...fleet.journal.lines.values()]).toEqual([1, 1, 1, 1]);
    expect(await unfinishedUploads()).toBe(0);
    expect(fleet.unexpectedEnds()).toEqual([]);
  });
});
