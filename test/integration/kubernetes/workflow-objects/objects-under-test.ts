import { applyCustomResources, eventually, postgresTemplate, type TestCluster, type TestDatabase } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { type ClusterStack, startClusterStack } from '../cluster-stack.js';
import { makeServiceAccounts, type ServiceAccounts } from '../service-accounts.js';

/** A template whose pod is played with these arguments of the program `sim`. */
export const pod = (name: string, ...args: string[]) => ({ name, container: { image: 'sim', command: ['sim'], args } });

export const object = (name: string, spec: object) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name },
  spec: { entrypoint: 'main', ...spec },
});

/** A workflow that waits to be resumed, and runs one pod then. */
export const gate = (name: string) =>
  object(name, {
    templates: [
      { name: 'main', steps: [[{ name: 'gate', template: 'gate' }], [{ name: 'after', template: 'say' }]] },
      { name: 'gate', suspend: {} },
      pod('say', 'result=x'),
    ],
  });

export const phase = (wanted: string) => (workflow: Workflow) => workflow.status?.phase === wanted;

/** A namespace whose objects the services follow, and what a person does there with kubectl and over HTTP. */
export class ObjectsUnderTest {
  namespace = '';
  accounts!: ServiceAccounts;
  stack!: ClusterStack;
  private database!: TestDatabase;

  constructor(readonly cluster: TestCluster) {}

  readonly kubectl = (...args: string[]): Promise<string> => this.cluster.kubectl(['-n', this.namespace, ...args]);

  readonly apply = (manifest: object): Promise<string> => this.send('apply', manifest);

  readonly replace = (manifest: object): Promise<string> => this.send('replace', manifest);

  readonly read = async (name: string): Promise<Workflow> =>
    JSON.parse(await this.kubectl('get', 'wf', name, '-o', 'json')) as Workflow;

  /** The workflow when it is as wanted. */
  readonly until = async (name: string, condition: (workflow: Workflow) => boolean): Promise<Workflow> => {
    let last: Workflow | undefined;
    await eventually(
      async () => {
        last = await this.read(name);
        return condition(last);
      },
      () => `${name}: ${JSON.stringify(last?.status)?.slice(0, 1000)}`,
    );
    return last as Workflow;
  };

  /** Names of the workflows that the API lists by these labels. */
  readonly listed = async (selector: string): Promise<string[]> => {
    const query = new URLSearchParams({ 'listOptions.labelSelector': selector });
    const answer = await fetch(`${this.stack.url}/api/v1/workflows/${this.namespace}?${query.toString()}`);
    return (((await answer.json()) as { items: Workflow[] | null }).items ?? []).map((item) => item.metadata.name ?? '');
  };

  readonly resume = async (name: string): Promise<void> => {
    await fetch(`${this.stack.url}/api/v1/workflows/${this.namespace}/${name}/resume`, { method: 'PUT' });
  };

  async start(): Promise<void> {
    await applyCustomResources(this.cluster);
    this.namespace = await this.cluster.createNamespace('stack');
    this.database = await postgresTemplate();
    this.accounts = await makeServiceAccounts(this.cluster, this.namespace);
    await this.startStack();
  }

  /** After `stack.close()`: as after a new start of the services. */
  async startStack(): Promise<void> {
    this.stack = await startClusterStack(this.accounts, this.namespace, this.database);
  }

  async close(): Promise<void> {
    await this.stack.close();
    await this.accounts.close();
    await this.database.drop();
    await this.cluster.release();
  }

  private send(verb: string, manifest: object): Promise<string> {
    return this.cluster.kubectl(['-n', this.namespace, verb, '-f', '-'], JSON.stringify(manifest));
  }
}
