import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseRuntime, ImageCatalogue, type PodObservation, type PodRuntime } from '#libs/runtimes';
import {
  emptyEnvSource,
  eventually,
  kubernetesCluster,
  quietLogger,
  removePods,
  resultStaging,
  simPod,
  type TestCluster,
} from '#libs/testing';
import { HOST_LABEL } from '#libs/pod-spec';
import { PluginAgents } from '../../../services/pod-manager/src/tasks/plugin/plugin-agents.js';
import { SidePods } from '../../../services/pod-manager/src/tasks/side-pods/side-pods.js';
import { makeServiceAccounts, type ServiceAccounts } from './service-accounts.js';

const found = await kubernetesCluster({ nodes: false });

/** Of tasks, credentials and large outputs: their own suites ask for them. */
const NOT_PLAYED = /^(?:get|list|impersonate) (?:\/configmaps|\/secrets|\/serviceaccounts|argoproj.io\/workflowtaskresults)$/;
const PODS = { apiVersion: 'v1', plural: 'pods' } as const;

describe.skipIf('skipped' in found)(`rights of the pod-manager ${'skipped' in found ? `(${found.skipped})` : ''}`, () => {
  const cluster = found as TestCluster;
  let namespace = '';
  let accounts: ServiceAccounts;
  let runtime: PodRuntime;
  const seen: PodObservation[] = [];

  beforeAll(async () => {
    namespace = await cluster.createNamespace('rights');
    accounts = await makeServiceAccounts(cluster, namespace);
    runtime = await chooseRuntime('kubernetes', {
      ...{ staging: resultStaging, images: ImageCatalogue.empty(), env: emptyEnvSource, logger: quietLogger },
      ...{ hostName: 'here', dataFolder: '/nowhere', hiddenPaths: [], clock: { nowMs: () => Date.now() } },
      cluster: () => ({
        ...{ api: accounts.api('pod-manager'), logger: quietLogger, namespace },
        executor: () => ({ container: {}, folder: '', mountsCredentials: false }),
        programOf: () => Promise.resolve(undefined),
      }),
    });
    await runtime.start((observations) => Promise.resolve(void seen.push(...observations)));
  });
  afterAll(async () => {
    await runtime.close();
    await removePods(cluster, namespace);
    await accounts.close();
    await cluster.release();
  });

  /** Plugins of two replicas are started; one of the replicas dies. */
  const buryReplica = async (): Promise<void> => {
    const ending = new AbortController();
    const plugin = { name: 'hello', namespace, container: { image: 'sim', command: ['sim'], args: ['sleep=600s'] }, port: 4355 };
    const asked = ['dead', 'alive'].map((host) => {
      const pods = new SidePods({ runtime, onSeen: () => Promise.resolve(true), logger: quietLogger });
      const agents = new PluginAgents({ pods, host, hasOwnAddresses: true, network: 'auto', logger: quietLogger });
      return agents.with(plugin, 'uid', ending.signal, () => Promise.resolve()).catch(() => undefined);
    });
    const hostsOfPlugins = async (): Promise<(string | undefined)[]> => {
      const { items } = await cluster.api.list({ ...PODS, namespace }, { labelSelector: HOST_LABEL });
      return items
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(({ metadata }) => metadata.labels?.[HOST_LABEL]);
    };
    await eventually(async () => (await hostsOfPlugins()).length === 2, 'both plugins are there');
    await runtime.buryHost?.('dead');
    expect(await hostsOfPlugins()).toEqual(['alive']);
    ending.abort();
    await Promise.all(asked);
  };

  it('are what making, following, ending and deleting pods and claims, and plugins of dead replicas, needs, and no more', async () => {
    const identity = { workflowUid: namespace, nodeId: 'node', incarnation: 0 };
    const pod = simPod([], identity);
    const metadata = { ...pod.metadata, namespace, ownerReferences: [] };
    const made = await runtime.create(identity, { ...pod, metadata, spec: { ...pod.spec, schedulerName: 'nobody' } });
    expect(made).toEqual({ type: 'created' });
    await eventually(() => seen.some(({ phase }) => phase === 'Pending'), 'the pod is seen');
    // Nobody runs it: what is read here is that it may be asked for.
    for await (const line of runtime.logs(identity, {})) expect(line).toBeUndefined();
    await runtime.inspect({ ...identity, nodeId: 'none' });
    await cluster.api.patch(
      { ...PODS, namespace, name: 'node', subresource: 'status' },
      { status: { phase: 'Succeeded' } },
      { type: 'merge' },
    );
    await eventually(() => seen.some(({ phase }) => phase === 'Succeeded' || phase === 'Failed'), 'the end is seen');
    await runtime.terminate(identity, 1);
    await runtime.delete(identity);
    const claim = { namespace, name: 'claim' };
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };
    expect(await runtime.createClaim?.({ ...claim, spec })).toEqual({ type: 'created' });
    await runtime.deleteClaim?.(claim);

    await buryReplica();

    const [used, granted] = [accounts.used('pod-manager'), accounts.granted('pod-manager')];
    expect([...used].filter((right) => !granted.has(right))).toEqual([]);
    expect([...granted].filter((right) => !used.has(right) && !NOT_PLAYED.test(right))).toEqual([]);
  });
});
