import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyCustomResources, eventually, kubernetesCluster, type TestCluster } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { grantWorkflowRights, Installation, NAMESPACE, prepare, PROGRAMS, startParts } from './installation.js';
import { Asking } from './asking.js';
import { ServiceNetwork } from './service-network.js';
import { type OverlayImages, putOverlayImages } from './stand-in-images.js';
import { listingAFile, passingAFile, withAResource } from './workflows.js';

const START_LIMIT_MS = 960_000;
const TEST_LIMIT_MS = 420_000;
const INSTANCE = 'workflows.argoproj.io/controller-instanceid';
const TOKEN = 'of-the-operator';

const isWanted = process.env['ARGOSY_OVERLAY'] !== undefined;
const problem = isWanted ? undefined : 'skipped: minutes long; ARGOSY_OVERLAY=1 runs it';
const found = problem === undefined ? await kubernetesCluster({ nodes: true }) : { skipped: problem };
const put = 'skipped' in found ? found : await putOverlayImages();
const missing = 'skipped' in put ? put.skipped : undefined;

describe.skipIf(missing !== undefined)(`overlays as a whole ${missing === undefined ? '' : `(${missing})`}`, () => {
  const cluster = found as TestCluster;
  const from = put as OverlayImages;
  let network: ServiceNetwork | undefined;
  let installation: Installation;
  let parts = '';
  let team = '';

  const kubectl = (...args: string[]): Promise<string> => installation.kubectl(...args);
  const phaseOf = async (namespace: string, name: string) => (await installation.workflow(namespace, name)).status?.phase;
  const twoOfEach = PROGRAMS.flatMap((name) => [`${name} 0`, `${name} 0`]);

  /** Applies an overlay with what it wants to be there; databases are in a namespace of their own. */
  const install = async (overlay: string, settings: Record<string, string>, as?: string): Promise<void> => {
    await applyCustomResources(cluster);
    [parts, team] = [await cluster.createNamespace('overlay-parts'), await cluster.createNamespace('overlay-team')];
    network = new ServiceNetwork(cluster.api, [NAMESPACE, parts]);
    await network.start();
    const ARTIFACT_REPOSITORY = await startParts(cluster, parts, from);
    installation = new Installation(cluster, overlay, from, { ARTIFACT_REPOSITORY, ...settings });
    await prepare(installation, parts, TOKEN);
    if (as !== undefined) await allow(as);
    await installation.apply(as);
    await installation.ready();
  };
  /** An administrator of one namespace, who may give the rights that they have there. */
  const allow = async (user: string): Promise<void> => {
    await kubectl('create', 'rolebinding', 'its-admin', '--clusterrole=admin', `--user=${user}`);
    const argo = 'workflows,workflowtemplates,clusterworkflowtemplates,cronworkflows,workfloweventbindings,workflowtaskresults';
    const kinds = `${argo},workflows/status,cronworkflows/status`
      .split(',')
      .map((kind) => `--resource=${kind.replace(/(\/|$)/, '.argoproj.io$1')}`);
    await kubectl('create', 'role', 'of-argo', '--verb=*', ...kinds);
    await kubectl('create', 'rolebinding', 'of-argo', '--role=of-argo', `--user=${user}`);
  };
  const remove = async (): Promise<void> => {
    await installation.remove();
    await network?.stop();
    for (const namespace of [parts, team].filter((each) => each !== ''))
      await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false', '--ignore-not-found']);
  };
  /** What the API says of a workflow that has passed a file on, and its archive. */
  const expectShown = async ({ metadata: { name = '', namespace = '', uid = '' } }: Workflow): Promise<void> => {
    const log = `/api/v1/workflows/${namespace}/${name}/log?logOptions.container=main`;
    expect(await installation.ask(log, TOKEN)).toContain(`"content":"of ${name}"`);
    await eventually(async () => {
      const kept = JSON.parse(await installation.ask(`/api/v1/archived-workflows/${uid}`, TOKEN)) as Workflow;
      return kept.metadata?.name === name && kept.status?.phase === 'Succeeded';
    }, `${name} is in the archive`);
    expect(await installation.ask(`/api/v1/workflows/${namespace}`, 'of-nobody')).not.toContain(name);
  };

  afterAll(() => cluster.release());

  describe('quickstart', () => {
    beforeAll(async () => {
      network = new ServiceNetwork(cluster.api, [NAMESPACE]);
      await network.start();
      installation = new Installation(cluster, 'quickstart', from, { MANAGED_NAMESPACE: NAMESPACE });
      await installation.apply();
      await installation.ready();
    }, START_LIMIT_MS);
    afterAll(remove, START_LIMIT_MS);

    it('has one copy of each program, and none was started twice', async () => {
      expect(await installation.copies()).toEqual(PROGRAMS.map((name) => `${name} 0`));
    });

    it(
      'runs steps, resource templates with the rights of their account, and artifacts; logs are read through the server; all of it goes with the workflow',
      async () => {
        await kubectl('create', 'serviceaccount', 'steps');
        await kubectl('create', 'rolebinding', 'steps', '--clusterrole=edit', `--serviceaccount=${NAMESPACE}:steps`);
        await installation.applyObjects(NAMESPACE, withAResource('first'));
        expect((await installation.ended(NAMESPACE, 'first')).status).toMatchObject({ phase: 'Succeeded', progress: '3/3' });
        const log = `/api/v1/workflows/${NAMESPACE}/first/log?logOptions.container=main`;
        expect(await installation.ask(log, 'quickstart')).toMatch(/"content":"of made-/);
        await kubectl('delete', 'workflow', 'first', '--cascade=foreground', '--timeout=60s');
        const stepPods = (): Promise<string> => kubectl('get', 'pods', '-l', 'workflows.argoproj.io/workflow', '-o', 'name');
        await eventually(async () => (await stepPods()) === '', 'its pods are gone');
        const configMaps = (): Promise<string> => kubectl('get', 'configmaps', '-o', 'name');
        await eventually(async () => !(await configMaps()).includes('made-'), 'what its template has made is gone');
      },
      TEST_LIMIT_MS,
    );
  });

  describe('production', () => {
    // Other tests have workflows on the same cluster.
    const label = { [INSTANCE]: 'overlay' };
    beforeAll(() => install('production', { INSTANCE_ID: 'overlay' }), START_LIMIT_MS);
    afterAll(remove, START_LIMIT_MS);

    it(
      'has two copies of each program by its autoscaler, none was started twice, and applying it again changes nothing',
      async () => {
        await eventually(async () => (await installation.copies()).length === twoOfEach.length, 'two copies', TEST_LIMIT_MS);
        await installation.ready();
        expect(await installation.copies()).toEqual(twoOfEach);
        const pods = (): Promise<string> => kubectl('get', 'pods', '-o', 'name');
        const before = await pods();
        await installation.apply();
        await installation.ready();
        expect(await pods()).toBe(before);
      },
      TEST_LIMIT_MS,
    );

    it(
      'runs what is made in any namespace, keeps it in the archive and its files in the store; programs miss no right',
      async () => {
        const other = await cluster.createNamespace('overlay-other');
        for (const namespace of [team, other]) {
          await grantWorkflowRights(cluster, namespace);
          await installation.applyObjects(namespace, passingAFile('passing', label));
        }
        for (const namespace of [team, other]) {
          const ended = await installation.ended(namespace, 'passing');
          expect(ended.status).toMatchObject({ phase: 'Succeeded', progress: '2/2' });
          await expectShown(ended);
        }
        expect(await installation.logLines('forbidden')).toEqual([]);
      },
      TEST_LIMIT_MS,
    );

    it(
      'lists the object store in a data template with the account of the installation',
      async () => {
        await installation.applyObjects(team, listingAFile('listing', label));
        const { status } = await installation.ended(team, 'listing');
        const listed = Object.values(status?.nodes ?? {}).find(({ displayName }) => displayName === 'listed');
        expect([status?.phase, listed?.outputs?.result]).toEqual(['Succeeded', '["listed/file"]']);
      },
      TEST_LIMIT_MS,
    );

    it(
      'answers every request while all copies of its programs are replaced, and takes workflows while Redis is away',
      async () => {
        const asking = new Asking(`http://${await installation.server()}/api/v1/version`, TOKEN);
        await installation.restart();
        expect(await asking.end()).toEqual([]);
        const redis = (copies: number): Promise<string> =>
          cluster.kubectl(['--namespace', parts, 'scale', 'deployment/redis', `--replicas=${copies}`]);
        await redis(0);
        const notReady = ['wait', '--for=condition=Ready=false', 'pod', '--selector=app.kubernetes.io/name=scheduler'];
        await kubectl(...notReady, '--timeout=120s');
        await installation.applyObjects(team, passingAFile('meanwhile', label));
        expect(await installation.ask('/api/v1/version', TOKEN)).toContain('version');
        await redis(1);
        expect((await installation.ended(team, 'meanwhile')).status).toMatchObject({ phase: 'Succeeded' });
        await installation.ready();
      },
      TEST_LIMIT_MS,
    );

    it('is well, as argosy doctor finds', async () => {
      const findings = await installation.doctor(team, TOKEN);
      expect(findings).toEqual(expect.arrayContaining(['cluster ok', 'definitions ok', 'rights ok']));
      expect(findings.filter((line) => !line.endsWith(' ok'))).toEqual([]);
    });

    it(
      'goes on with one copy of the scheduler and the pod-manager less, and with two again',
      async () => {
        await kubectl('scale', 'statefulset/argosy-pod-manager', '--replicas=1');
        await kubectl('delete', 'pod', '--selector=app.kubernetes.io/name=scheduler', '--wait=false');
        await installation.applyObjects(team, passingAFile('between', label));
        expect((await installation.ended(team, 'between')).status).toMatchObject({ phase: 'Succeeded' });
        await kubectl('scale', 'statefulset/argosy-pod-manager', '--replicas=2');
        await installation.ready();
        await installation.applyObjects(team, passingAFile('after', label));
        expect((await installation.ended(team, 'after')).status).toMatchObject({ phase: 'Succeeded' });
      },
      TEST_LIMIT_MS,
    );
  });

  describe('beside-argo', () => {
    beforeAll(() => install('beside-argo', {}), START_LIMIT_MS);
    afterAll(remove, START_LIMIT_MS);

    it(
      'runs what has its label and leaves alone what has none or another',
      async () => {
        await grantWorkflowRights(cluster, team);
        await installation.applyObjects(
          team,
          passingAFile('of-argo'),
          passingAFile('of-another', { [INSTANCE]: 'another' }),
          passingAFile('ours', { [INSTANCE]: 'argosy' }),
        );
        const ended = await installation.ended(team, 'ours');
        expect(ended.status).toMatchObject({ phase: 'Succeeded', progress: '2/2' });
        await expectShown(ended);
        for (const name of ['of-argo', 'of-another']) {
          const { status, metadata } = await installation.workflow(team, name);
          expect([name, status, metadata.annotations?.['argosy.dev/record-version'], metadata.finalizers]).toEqual([
            ...[name, undefined, undefined, undefined],
          ]);
        }
        const pods = await cluster.kubectl(['--namespace', team, 'get', 'pods', '-o', 'name']);
        expect(pods).not.toContain('of-a');
        expect(await installation.logLines('forbidden')).toEqual([]);
      },
      TEST_LIMIT_MS,
    );
  });

  describe('namespaced', () => {
    beforeAll(() => install('namespaced', {}, 'admin-of-one-namespace'), START_LIMIT_MS);
    afterAll(remove, START_LIMIT_MS);

    it(
      'is applied by who administers the namespace alone, and has nothing outside of it',
      async () => {
        const objects = await cluster.kubectl([
          'get',
          'clusterroles,clusterrolebindings',
          '-l',
          'app.kubernetes.io/part-of=argosy',
          '-o',
          'name',
        ]);
        expect(objects).toBe('');
        for (const program of PROGRAMS) {
          const account = `--as=system:serviceaccount:${NAMESPACE}:argosy-${program}`;
          const mayPatch = (namespace: string): Promise<string> =>
            cluster.kubectl(['--namespace', namespace, 'auth', 'can-i', 'patch', 'workflows.argoproj.io', account]);
          // The answer "no" is an exit code of kubectl too.
          await expect(mayPatch(team), program).rejects.toThrow('auth can-i');
        }
      },
      TEST_LIMIT_MS,
    );

    it(
      'runs what is made in its namespace with the rights of that, and leaves another one alone',
      async () => {
        await grantWorkflowRights(cluster, NAMESPACE);
        await installation.applyObjects(team, passingAFile('elsewhere'));
        await installation.applyObjects(NAMESPACE, passingAFile('passing'));
        const ended = await installation.ended(NAMESPACE, 'passing');
        expect(ended.status).toMatchObject({ phase: 'Succeeded', progress: '2/2' });
        await expectShown(ended);
        expect(await phaseOf(team, 'elsewhere')).toBeUndefined();
        expect(await installation.logLines('forbidden')).toEqual([]);
      },
      TEST_LIMIT_MS,
    );
  });
});
