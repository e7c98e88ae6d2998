import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { KubernetesForbiddenError, KubernetesNotFoundError } from '#libs/kubernetes';
import { ApiClientError, ServerAwayError } from '../client/errors.js';
import { clusterFindings } from './cluster-findings.js';
import { findingsText } from './finding.js';
import { PROGRAM_RIGHTS } from './program-rights.js';
import { serverFindings } from './server-findings.js';

const said = (httpStatus: number, message: string) => ({ httpStatus, reason: '', message });
interface Version {
  name: string;
  served?: boolean;
  schema?: object;
}
interface Cluster {
  missing?: string[];
  parted?: string[];
  versions?: Record<string, Version[]>;
  /** `program verb resource`; the namespace is in front where it is not `lab`. */
  refused?: string[];
  accounts?: boolean;
}
const question = { namespace: 'lab', programs: 'argosy' };
const api = (options: Cluster = {}) => ({
  get: ({ plural, name }: { plural: string; name: string }) => {
    const isAccount = plural === 'serviceaccounts';
    if (isAccount && options.accounts === false) return Promise.reject(new KubernetesNotFoundError(said(404, 'none')));
    if (options.missing?.includes(name)) return Promise.reject(new KubernetesNotFoundError(said(404, 'none')));
    const subresources = options.parted?.includes(name) ? { status: {} } : {};
    const versions = options.versions?.[name] ?? [{ name: 'v1alpha1', served: true, subresources }];
    return Promise.resolve((isAccount ? {} : { spec: { versions } }) as never);
  },
  create: (_address: unknown, review: object) => {
    const { spec } = review as {
      spec: { user: string; resourceAttributes: { verb: string; resource: string; subresource?: string; namespace?: string } };
    };
    const { verb, resource, subresource, namespace = 'everywhere' } = spec.resourceAttributes;
    const program = spec.user.replace('system:serviceaccount:argosy:argosy-', '');
    const asked = `${program} ${verb} ${[resource, ...(subresource ? [subresource] : [])].join('/')}`;
    const said = namespace === 'lab' ? asked : `${namespace} ${asked}`;
    return Promise.resolve({ status: { allowed: !options.refused?.includes(said) } } as never);
  },
});

describe('the look at a cluster', () => {
  it('is content where definitions are there, and the accounts of the programs have their rights', async () => {
    const findings = await clusterFindings(api(), question);
    expect(findings.map(({ name, state }) => `${name} ${state}`)).toEqual(['cluster ok', 'definitions ok', 'rights ok']);
  });

  it('names what is missing, of which program, and what to do', async () => {
    const missing = ['cronworkflows.argoproj.io'];
    const refused = ['pod-manager create pods', 'pod-manager get pods/log', 'scheduler watch workflows'];
    const findings = await clusterFindings(api({ missing, refused }), question);
    expect(findings.slice(1).map(({ state, message }) => `${state} ${message}`)).toEqual([
      'failed missing: cronworkflows.argoproj.io',
      'failed pod-manager may not, in lab: create pods, get pods/log',
      'failed scheduler may not, in lab: watch workflows',
    ]);
    expect(findings.slice(1).every(({ advice }) => advice !== undefined)).toBe(true);
  });

  it('asks for what the roles of k8s/ give, and for nothing else', () => {
    const folder = fileURLToPath(new URL('../../../../k8s/rbac', import.meta.url));
    const files = readdirSync(folder).filter((file) => file !== 'kustomization.yaml');
    const given = Object.fromEntries(
      files.map((file) => {
        const { rules } = parse(readFileSync(join(folder, file), 'utf8')) as { rules: Record<string, string[]>[] };
        const rights = rules.flatMap(({ apiGroups = [], resources = [], verbs = [] }) =>
          apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${group} ${resource} ${verb}`))),
        );
        return [file.replace('.yaml', ''), rights.sort()];
      }),
    );
    const asked = Object.entries(PROGRAM_RIGHTS).map(([program, rights]) => [
      program,
      rights.map(({ group, resource, verb }) => `${group} ${resource} ${verb}`).sort(),
    ]);
    expect(Object.fromEntries(asked)).toEqual(given);
  });

  it('takes an installation of one namespace as it is: it reads no templates of the cluster', async () => {
    const refused = ['scheduler get', ...['get', 'list', 'create', 'update', 'delete'].map((verb) => `server ${verb}`)].map(
      (asked) => `everywhere ${asked} clusterworkflowtemplates`,
    );
    const [, , rights] = await clusterFindings(api({ refused }), question);
    expect(rights).toMatchObject({ state: 'ok', message: expect.stringContaining('cluster-wide templates') as unknown });
  });

  it('says where the programs are not', async () => {
    const [, , rights] = await clusterFindings(api({ accounts: false }), question);
    expect(rights).toMatchObject({ state: 'warning', message: expect.stringContaining('argosy-scheduler') as unknown });
  });

  it('says that it may not ask for the rights of others', async () => {
    const refusing = { ...api(), create: () => Promise.reject(new KubernetesForbiddenError(said(403, 'you may not'))) };
    const [, , rights] = await clusterFindings(refusing, question);
    expect(rights).toMatchObject({
      name: 'rights',
      state: 'warning',
      message: expect.stringContaining('you may not') as unknown,
    });
  });

  it('asks for the right to write a status that is a part of its own', async () => {
    const parted = ['workflows.argoproj.io', 'workflowtemplates.argoproj.io'];
    const refused = ['offloader patch workflows/status'];
    const [, definitions, rights] = await clusterFindings(api({ parted, refused }), question);
    expect(definitions).toMatchObject({ state: 'ok', message: expect.stringContaining('is a subresource') as unknown });
    expect(rights).toMatchObject({ state: 'failed', message: 'offloader may not, in lab: patch workflows/status' });
    expect((await clusterFindings(api({ refused }), question))[2]).toMatchObject({ state: 'ok' });
  });

  it('sees definitions of another version, and such as drop fields', async () => {
    const name = 'cronworkflows.argoproj.io';
    const unserved = { [name]: [{ name: 'v1alpha1', served: false }, { name: 'v1' }] };
    expect((await clusterFindings(api({ versions: unserved }), question))[1]).toMatchObject({
      state: 'failed',
      message: `not served as v1alpha1: ${name}`,
    });
    const spec = { properties: { schedule: {}, when: {}, stopStrategy: {} } };
    const older = { [name]: [{ name: 'v1alpha1', schema: { openAPIV3Schema: { properties: { spec } } } }] };
    expect((await clusterFindings(api({ versions: older }), question))[1]).toMatchObject({
      state: 'warning',
      message: expect.stringContaining('drops spec.schedules of cronworkflows') as unknown,
    });
    const keeping = { ...spec, 'x-kubernetes-preserve-unknown-fields': true };
    const minimal = { [name]: [{ name: 'v1alpha1', schema: { openAPIV3Schema: { properties: { spec: keeping } } } }] };
    expect((await clusterFindings(api({ versions: minimal }), question))[1]).toMatchObject({ state: 'ok' });
  });

  it('is one finding where the credential may not even ask', async () => {
    const refusing = { ...api(), get: () => Promise.reject(new KubernetesForbiddenError(said(403, 'you may not'))) };
    const findings = await clusterFindings(refusing, question);
    expect(findings).toMatchObject([{ name: 'cluster', state: 'failed', message: 'you may not' }]);
  });
});

describe('the look at a server', () => {
  it('is one finding where there is none', async () => {
    const away = { get: () => Promise.reject(new ServerAwayError('nobody listens')) };
    expect(await serverFindings(away)).toMatchObject([{ name: 'server', state: 'failed', message: 'nobody listens' }]);
  });

  it('advises to look at the token where that was refused, and at the log where the server fails by itself', async () => {
    const adviceAt = async (httpStatus: number): Promise<string | undefined> =>
      (await serverFindings({ get: () => Promise.reject(new ApiClientError('no', httpStatus, 2)) }))[0]?.advice;
    expect(await adviceAt(401)).toContain('ARGO_TOKEN');
    expect(await adviceAt(500)).toContain('its log');
    expect(await adviceAt(500)).not.toContain('ARGO_TOKEN');
  });
});

it('says what to do only where something is not well', () => {
  const text = findingsText(
    [
      { name: 'queue', state: 'ok', message: 'answers', advice: 'unsaid' },
      { name: 'pods', state: 'failed', message: 'no pod-manager is alive', advice: 'start one' },
    ],
    { utf8: false },
  );
  expect(text).toBe(
    'ok      queue  answers\nfailed  pods   no pod-manager is alive\n                 start one\n2 looked at, 1 needs a hand',
  );
});
