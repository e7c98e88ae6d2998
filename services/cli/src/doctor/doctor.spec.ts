import { describe, expect, it } from 'vitest';
import { KubernetesForbiddenError, KubernetesNotFoundError } from '#libs/kubernetes';
import { ServerAwayError } from '../client/errors.js';
import { clusterFindings } from './cluster-findings.js';
import { findingsText } from './finding.js';
import { serverFindings } from './server-findings.js';

const said = (httpStatus: number, message: string) => ({ httpStatus, reason: '', message });
const api = (options: { missing?: string[]; refused?: string[]; parted?: string[] } = {}) => ({
  get: (address: { name: string }) => {
    if (options.missing?.includes(address.name)) return Promise.reject(new KubernetesNotFoundError(said(404, 'none')));
    const subresources = options.parted?.includes(address.name) ? { status: {} } : {};
    return Promise.resolve({ spec: { versions: [{ name: 'v1alpha1', subresources }] } } as never);
  },
  create: (_address: unknown, review: object) => {
    const { spec } = review as { spec: { resourceAttributes: { verb: string; resource: string; subresource?: string } } };
    const { verb, resource, subresource } = spec.resourceAttributes;
    const asked = [resource, ...(subresource ? [subresource] : [])].join('/');
    return Promise.resolve({ status: { allowed: !options.refused?.includes(`${verb} ${asked}`) } } as never);
  },
});

describe('the look at a cluster', () => {
  it('is content where definitions and rights are there', async () => {
    const findings = await clusterFindings(api(), 'lab');
    expect(findings.map(({ name, state }) => `${name} ${state}`)).toEqual(['cluster ok', 'definitions ok', 'rights ok']);
  });

  it('names what is missing, and what to do', async () => {
    const findings = await clusterFindings(api({ missing: ['cronworkflows.argoproj.io'], refused: ['create pods'] }), 'lab');
    expect(findings[1]).toMatchObject({ state: 'failed', message: 'missing: cronworkflows.argoproj.io' });
    expect(findings[2]).toMatchObject({ state: 'warning', message: 'this credential may not, in lab: create pods' });
    expect(findings.slice(1).every(({ advice }) => advice !== undefined)).toBe(true);
  });

  it('asks for the right to write a status that is a part of its own', async () => {
    const parted = ['workflows.argoproj.io', 'workflowtemplates.argoproj.io'];
    const [, definitions, rights] = await clusterFindings(api({ parted, refused: ['patch workflows/status'] }), 'lab');
    expect(definitions).toMatchObject({ state: 'ok', message: expect.stringContaining('is a subresource') as unknown });
    expect(rights).toMatchObject({ state: 'warning', message: 'this credential may not, in lab: patch workflows/status' });
    expect((await clusterFindings(api({ refused: ['patch workflows/status'] }), 'lab'))[2]).toMatchObject({ state: 'ok' });
  });

  it('is one finding where the credential may not even ask', async () => {
    const refusing = { ...api(), get: () => Promise.reject(new KubernetesForbiddenError(said(403, 'you may not'))) };
    expect(await clusterFindings(refusing, 'lab')).toMatchObject([{ name: 'cluster', state: 'failed', message: 'you may not' }]);
  });
});

describe('the look at a server', () => {
  it('is one finding where there is none', async () => {
    const away = { get: () => Promise.reject(new ServerAwayError('nobody listens')) };
    expect(await serverFindings(away)).toMatchObject([{ name: 'server', state: 'failed', message: 'nobody listens' }]);
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
