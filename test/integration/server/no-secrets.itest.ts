import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubernetesPod, type PodManifest } from '#libs/pod-spec';
import { openBrokerAccess } from '#libs/program';
import { eventually } from '#libs/testing';
import type { KubernetesObject, Workflow } from '#libs/workflow-spec';
import { startStackUnderTest, type StackUnderTest } from './stack-under-test.js';

const VALUES = { access: 'AKIAVERYSECRETACCESS', secret: 'very/secret+value/of-the-bucket', basic: 'password-of-the-http-store' };
/** As they are, and as a Secret has them. */
const FORBIDDEN = Object.values(VALUES).flatMap((value) => [
  value,
  Buffer.from(value).toString('base64'),
  encodeURIComponent(value),
]);

const place: KubernetesObject = {
  ...{ endpoint: 's3.example.com', bucket: 'b' },
  ...{ accessKeySecret: { name: 'store', key: 'access' }, secretKeySecret: { name: 'store', key: 'secret' } },
};
const repository = { location: { s3: place as never }, keyFormat: 'x/{{workflow.name}}/{{pod.name}}', archiveLogs: true };

const spec = {
  entrypoint: 'main',
  templates: [
    {
      name: 'main',
      steps: [
        [
          { name: 'make', template: 'make' },
          { name: 'take', template: 'take' },
        ],
      ],
    },
    {
      name: 'make',
      container: { image: 'sim', command: ['sim'], args: ['out.out=1'] },
      outputs: { artifacts: [{ name: 'out', path: '/tmp/out' }] },
    },
    {
      name: 'take',
      inputs: {
        artifacts: [
          { name: 'in', path: '/tmp/in', s3: { key: 'shared/in' } },
          {
            name: 'page',
            path: '/tmp/page',
            http: {
              url: 'https://store.example.com/page',
              auth: {
                basicAuth: { usernameSecret: { name: 'store', key: 'access' }, passwordSecret: { name: 'store', key: 'basic' } },
              },
            },
          },
        ],
      },
      script: { image: 'sim', command: ['sim'], source: 'true', args: [] },
    },
  ],
};

let stack: StackUnderTest;
beforeAll(async () => {
  stack = await startStackUnderTest({}, { engine: { artifactRepository: repository, podNames: 'v2' } });
});
afterAll(() => stack.close());

const send = async (method: string, route: string, body?: object): Promise<unknown> => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(stack.url + route, {
    method,
    ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }),
  });
  return answer.json();
};

/** Every row of every table, the queue's among them, but those of the Secrets themselves. */
async function allRows(): Promise<{ table: string; text: string }[]> {
  const { database } = stack.store;
  const tables = await database.run<{ schema: string; name: string }>({
    text: `SELECT table_schema AS schema, table_name AS name FROM information_schema.tables
      WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
  });
  const found: { table: string; text: string }[] = [];
  for (const { schema, name } of tables) {
    const but = name === 'resources' ? `WHERE kind <> 'Secret'` : '';
    const rows = await database.run<{ text: string }>({ text: `SELECT t::text AS text FROM "${schema}"."${name}" t ${but}` });
    found.push(...rows.map(({ text }) => ({ table: name, text })));
  }
  return found;
}
const telling = (rows: readonly { table: string; text: string }[]): string[] =>
  rows.filter(({ text }) => [...FORBIDDEN, 'argosy-pod.v1.'].some((value) => text.includes(value))).map(({ table }) => table);

it('stands in no row, job, pod, environment or volume of workflows whose artifacts need it', async () => {
  await send('PUT', '/api/argosy/v1/resources/secrets/lab/store', { stringData: VALUES });
  await send('POST', '/api/v1/workflows/lab', { workflow: { metadata: { name: 'discreet' }, spec } });
  const phase = async (): Promise<string | undefined> =>
    ((await send('GET', '/api/v1/workflows/lab/discreet')) as Workflow).status?.phase;
  await eventually(async () => (await allRows()).some(({ table }) => table === 'pods'), 'a pod is wanted');
  expect(telling(await allRows())).toEqual([]);
  await eventually(async () => /^(Succeeded|Failed|Error)$/.test((await phase()) ?? ''), 'the workflow ends');
  const rows = await allRows();
  expect(rows.map(({ table }) => table)).toEqual(expect.arrayContaining(['pods', 'workflow_nodes', 'workflow_state']));
  expect(telling(rows)).toEqual([]);
  // The Secret is there all the same: what was searched for can be found.
  const [secret] = await stack.store.database.run<{ text: string }>({
    text: `SELECT t::text AS text FROM resources t WHERE kind = 'Secret'`,
  });
  expect(FORBIDDEN.some((value) => secret?.text.includes(value))).toBe(true);

  const manifests = await stack.store.database.run<{ manifest: PodManifest; incarnation: number }>({
    text: 'SELECT manifest, incarnation FROM pods',
  });
  expect(manifests).toHaveLength(2);
  const { store } = stack;
  const broker = openBrokerAccess({
    ...{ store, clock: { nowMs: () => Date.now() }, key: undefined },
    ...{ url: 'http://argosy-server:2746', tokenLifeMs: 60_000 },
  });
  for (const { manifest, incarnation } of manifests) {
    const { workflowUid, nodeId } = manifest.work;
    const variables = await broker!.environment({ workflowUid, nodeId, incarnation });
    const pod = kubernetesPod(manifest, {
      executor: () => ({ image: 'argosy', command: ['argosy-executor'] }),
      mountsCredentials: false,
      variables,
    });
    const text = JSON.stringify(pod);
    expect(FORBIDDEN.filter((value) => text.includes(value))).toEqual([]);
    // No Secret is mounted, and none is named as a source of variables.
    expect(text).not.toMatch(/secretName|secretKeyRef|"secret":/);
    const containers = (pod.spec['containers'] ?? []) as { name: string }[];
    expect(JSON.stringify(containers.find(({ name }) => name === 'main'))).not.toContain('argosy-pod.v1.');
  }
});
