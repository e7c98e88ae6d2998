import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeWorkflow } from '#libs/workflow-spec';
import { root } from './program-configs.js';

const text = readFileSync(join(root, 'docs/compatibility.md'), 'utf8');
const STATES = ['works', 'partly', 'placed', 'not yet', 'none', 'differs', 'ours'];

interface Row {
  section: string;
  capability: string;
  state: string;
}

const rows: Row[] = text.split(/^##+ /m).flatMap((part) => {
  const [section = '', ...lines] = part.split('\n');
  return lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .map(([, capability = '', state = '']) => ({ section, capability, state }));
});
const sections = text
  .split('\n')
  .filter((line) => line.startsWith('## '))
  .map((line) => line.slice('## '.length));

const inTemplate = (fields: object): object => ({ templates: [{ name: 'main', ...fields }] });
const inContainer = (fields: object): object => inTemplate({ container: { image: 'busybox', ...fields } });
const inStep = (fields: object): object => inTemplate({ steps: [[{ name: 'a', template: 'b', ...fields }]] });
const outputFrom = (valueFrom: object): object => inTemplate({ outputs: { parameters: [{ name: 'a', valueFrom }] } });
const hook = { ok: { template: 'a', expression: 'true' } };

/** What of a workflow's spec each row is about. The decoder is the judge of what the row may say. */
const SAMPLES: readonly [capability: string, spec: object][] = [
  [
    'Arguments from a ConfigMap',
    { arguments: { parameters: [{ name: 'a', valueFrom: { configMapKeyRef: { name: 'a', key: 'b' } } }] } },
  ],
  ['Service account', { serviceAccountName: 'a' }],
  ['`nodeSelector`', { nodeSelector: { a: 'b' } }],
  ['`hostAliases`', { securityContext: { runAsUser: 1 } }],
  ['`podMetadata`', { podMetadata: { labels: { a: 'b' } } }],
  ['`workflowMetadata`', { workflowMetadata: { labels: { a: 'b' } } }],
  ['`suspend` at start', { suspend: true }],
  ['`podResources`', { podResources: {} }],
  ['`resourceClaims`', { resourceClaims: [] }],
  ['container', inContainer({ command: ['true'], args: [], env: [], envFrom: [], workingDir: '/' })],
  ['script', inTemplate({ script: { image: 'busybox', source: 'true' } })],
  ['resource', inTemplate({ resource: { action: 'get' } })],
  ['suspend', inTemplate({ suspend: { duration: '1' } })],
  ['steps', inStep({})],
  ['dag', inTemplate({ dag: { tasks: [{ name: 'a', template: 'b' }] } })],
  ['containerSet', inTemplate({ containerSet: { containers: [] } })],
  ['http', inTemplate({ http: { url: 'http://a' } })],
  ['plugin', inTemplate({ plugin: { a: {} } })],
  ['data', inTemplate({ data: {} })],
  ['inline', inTemplate({ steps: [[{ name: 'a', inline: { container: { image: 'a' } } }]] })],
  ['Template `annotations`', inTemplate({ annotations: { a: 'b' } })],
  ['`withItems`', inStep({ withItems: ['a'] })],
  ['`when`', inStep({ when: 'true' })],
  ['`continueOn`', inStep({ continueOn: { failed: true } })],
  ['Retries', inTemplate({ retryStrategy: { limit: 1, backoff: { duration: '1', cap: '2' }, expression: 'true' } })],
  ['`activeDeadlineSeconds`', { activeDeadlineSeconds: 1 }],
  ['`timeout`', inTemplate({ timeout: '1s' })],
  ['Exit handlers', { onExit: 'a', ...inStep({ onExit: 'a' }) }],
  ['Lifecycle hooks', { hooks: hook, ...inStep({ hooks: hook }) }],
  ['Daemons', inTemplate({ daemon: true })],
  ['Sidecars', inTemplate({ sidecars: [{ name: 'a', image: 'b' }] })],
  ['Output parameters: `path`', outputFrom({ path: '/a', default: 'b' })],
  ['Output parameters: `jsonPath`', outputFrom({ jsonPath: 'a' })],
  ['Repository by `artifactRepositoryRef`', { artifactRepositoryRef: { configMap: 'a' } }],
  ['Artifact garbage collection', { artifactGC: { strategy: 'OnWorkflowCompletion' } }],
  ['Log archive', { archiveLogs: true }],
  ['GCS', inTemplate({ inputs: { artifacts: [{ name: 'a', gcs: { bucket: 'a', key: 'b' } }] } })],
  ['HTTP', inTemplate({ inputs: { artifacts: [{ name: 'a', http: { url: 'http://a/b' } }] } })],
  ['Git', inTemplate({ inputs: { artifacts: [{ name: 'a', git: { repo: 'https://a/b' } }] } })],
  ['OSS', inTemplate({ inputs: { artifacts: [{ name: 'a', oss: { key: 'b' } }] } })],
  ['raw', inTemplate({ inputs: { artifacts: [{ name: 'a', raw: { data: 'b' } }] } })],
  ['Volumes', { volumes: [{ name: 'a', emptyDir: {} }] }],
  ['`podSpecPatch`', { podSpecPatch: '{}' }],
  ['`templateDefaults`', { templateDefaults: {} }],
  ['TTL of workflows', { ttlStrategy: { secondsAfterCompletion: 1 } }],
  ['Pod disruption budget', { podDisruptionBudget: {} }],
  ['Memoization', inTemplate({ memoize: { key: 'a' } })],
  ['`parallelism` of workflow', { parallelism: 1 }],
  ['`priority`', { priority: 1 }],
  ['Mutex', { synchronization: { mutexes: [] } }],
  ['`templateRef`', inTemplate({ steps: [[{ name: 'a', templateRef: { name: 'a', template: 'b' } }]] })],
  ['`workflowTemplateRef`', { workflowTemplateRef: { name: 'a' } }],
  ['Metrics defined by workflows', { metrics: { prometheus: [] } }],
];

const rowOf = (capability: string): Row => {
  const exact = rows.filter((row) => row.capability === capability);
  const found = exact.length > 0 ? exact : rows.filter((row) => row.capability.startsWith(capability));
  expect(
    found.map((row) => row.capability),
    capability,
  ).toHaveLength(1);
  return found[0]!;
};

describe('docs/compatibility.md', () => {
  it('has the sections of the list of features, and the deliberate differences', () => {
    expect(sections.slice(0, 12).map((section) => section.split('.')[0])).toEqual(
      Array.from({ length: 12 }, (_, index) => `A${index + 1}`),
    );
    expect(sections.at(-1)).toBe('Deliberate differences');
    for (const section of sections) expect(rows.filter((row) => row.section === section).length, section).toBeGreaterThan(2);
  });

  it('says of each row whether it works, in one of its own words', () => {
    const unclear = rows.filter(({ section, state }) => section !== 'Deliberate differences' && !STATES.includes(state));
    expect(unclear).toEqual([]);
    expect(rows.length).toBeGreaterThan(120);
  });

  it.each(SAMPLES)('says of %s what the decoder does', (capability, spec) => {
    const { state } = rowOf(capability);
    const { unsupported, warnings } = decodeWorkflow({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: {},
      spec,
    });
    if (state === 'not yet') expect(unsupported, `${capability} runs by now: say so in docs/compatibility.md`).not.toEqual([]);
    if (state === 'works' || state === 'placed') expect(unsupported, `${capability} is refused`).toEqual([]);
    if (state === 'placed') expect(warnings, `${capability} is honoured by now: say so in docs/compatibility.md`).not.toEqual([]);
  });
});
