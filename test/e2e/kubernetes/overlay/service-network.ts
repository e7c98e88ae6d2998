import { execFileSync } from 'node:child_process';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesApi } from '#libs/kubernetes';

/** Address of this machine, as pods of the test cluster reach it, at which services are looked up. */
export const NAMES_AT = '10.254.0.53';
const LOOK_MS = 1_000;

interface Service {
  metadata: { name: string; namespace: string };
  spec: { clusterIP: string; selector?: Record<string, string>; ports: { port: number; targetPort?: number | string }[] };
}
interface Pod {
  metadata: { name: string; namespace: string; labels?: Record<string, string>; deletionTimestamp?: string };
  spec: { containers: { ports?: { name?: string; containerPort: number }[] }[] };
  status: { podIP?: string; conditions?: { type: string; status: string }[] };
}

/** One that is being ended is ready until its program ends, and gets no new connections any more. */
const isReady = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  status.conditions?.some((it) => it.type === 'Ready' && it.status === 'True') === true;

/**
 * What kube-proxy and the cluster's DNS would do, for the services of some namespaces: the test cluster has neither. Connections to a service's address go to a pod that is
 * ready; names are those of services and of pods behind services without an address.
 */
export class ServiceNetwork {
  private pods: Pod[] = [];
  private services: Service[] = [];
  private readonly doors = new Map<string, Server>();
  private readonly names: DatagramSocket = createSocket('udp4');
  private readonly ending = new AbortController();
  private looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly api: KubernetesApi,
    private readonly namespaces: readonly string[],
  ) {}

  async start(): Promise<void> {
    address('add', NAMES_AT);
    this.names.on('message', (question, { port, address: from }) => this.names.send(this.answer(question), port, from));
    this.names.bind(53, NAMES_AT);
    await once(this.names, 'listening');
    this.looking = this.look();
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.looking;
    for (const [place, door] of this.doors) {
      door.close();
      address('del', place.split(':')[0] ?? '');
    }
    this.names.close();
    address('del', NAMES_AT);
  }

  private async look(): Promise<void> {
    while (!this.ending.signal.aborted) {
      const [pods, services] = await Promise.all([this.listed('pods'), this.listed('services')]);
      if (pods !== undefined) this.pods = pods as Pod[];
      if (services !== undefined) this.services = services as Service[];
      for (const service of this.services) for (const { port } of service.spec.ports) this.open(service, port);
      await sleep(LOOK_MS, undefined, { signal: this.ending.signal }).catch(() => undefined);
    }
  }

  /** Undefined where the cluster does not answer: what is known stays. */
  private async listed(plural: string): Promise<unknown[] | undefined> {
    const { api, namespaces } = this;
    const lists = namespaces.map(async (namespace) => (await api.list({ apiVersion: 'v1', plural, namespace })).items);
    return Promise.all(lists).then(
      (items) => items.flat(),
      () => undefined,
    );
  }

  private open({ spec: { clusterIP } }: Service, port: number): void {
    const place = `${clusterIP}:${port}`;
    if (clusterIP === 'None' || this.doors.has(place)) return;
    address('add', clusterIP);
    const door = createServer((client) => this.lead(client, clusterIP, port));
    this.doors.set(place, door.listen(port, clusterIP));
  }

  private lead(client: Socket, clusterIP: string, port: number): void {
    const service = this.services.find(({ spec }) => spec.clusterIP === clusterIP);
    const pod = this.podsOf(service).find(isReady);
    const target = service?.spec.ports.find((offered) => offered.port === port)?.targetPort ?? port;
    const named = pod?.spec.containers.flatMap(({ ports = [] }) => ports).find((offered) => offered.name === target);
    if (pod?.status.podIP === undefined) return void client.destroy();
    const there = connect(named?.containerPort ?? Number(target), pod.status.podIP);
    client.pipe(there).pipe(client);
    client.on('error', () => there.destroy());
    there.on('error', () => client.destroy());
  }

  private podsOf(service: Service | undefined): Pod[] {
    const wanted = Object.entries(service?.spec.selector ?? {});
    if (wanted.length === 0) return [];
    return this.pods.filter(
      ({ metadata: { namespace, labels } }) =>
        namespace === service?.metadata.namespace && wanted.every(([label, value]) => labels?.[label] === value),
    );
  }

  private lookUp(name: string): string | undefined {
    const parts = name.toLowerCase().replace(/\.svc\.cluster\.local$/, '').split('.'); // prettier-ignore
    const namespace = parts.pop();
    const service = this.services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === parts.at(-1));
    if (service !== undefined && parts.length === 1 && service.spec.clusterIP !== 'None') return service.spec.clusterIP;
    const pods = this.podsOf(service);
    return (parts.length === 2 ? pods.find(({ metadata }) => metadata.name === parts[0]) : pods[0])?.status.podIP;
  }

  /** The answer of a name server to a question for one name: its address, or that there is none. */
  private answer(question: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
      labels.push(question.subarray(at + 1, at + 1 + length).toString());
      at += length + 1;
    }
    const found = this.lookUp(labels.join('.'));
    const isAsked = found !== undefined && question.readUInt16BE(at + 1) === 1;
    const head = Buffer.alloc(10);
    head.writeUInt16BE(0x8580 | (found === undefined ? 3 : 0), 0);
    head.writeUInt16BE(1, 2);
    head.writeUInt16BE(isAsked ? 1 : 0, 4);
    const record = isAsked
      ? Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...found.split('.').map(Number)])
      : Buffer.alloc(0);
    return Buffer.concat([question.subarray(0, 2), head, question.subarray(12, at + 5), record]);
  }
}

const address = (verb: 'add' | 'del', ip: string): void => {
  try {
    execFileSync('ip', ['addr', verb, `${ip}/32`, 'dev', 'lo'], { stdio: 'ignore' });
  } catch {
    // It is there, or gone, already.
  }
};
