import type { ApiRequest } from '../request/exchange.js';
import type { KindOfObject } from '../objects.js';

/** A kind as the server offers it, with the words that mean it on a command line. */
export interface OfferedKind extends KindOfObject {
  /** '' for the kinds of Kubernetes' core. */
  group: string;
  /** Lower case. */
  singular: string;
  shortNames: readonly string[];
}

/** The server's list of all kinds (aggregated discovery, Kubernetes 1.27 and newer). */
interface DiscoveryList {
  items: { metadata: { name?: string }; versions: { version: string; resources?: DiscoveredResource[] }[] }[];
}
interface DiscoveredResource {
  resource: string;
  responseKind?: { kind: string };
  scope: 'Namespaced' | 'Cluster';
  singularResource?: string;
  shortNames?: string[];
}

const AGGREGATED = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');
/** What is not found is asked for again, but not more often than this. */
const MISS_PAUSE_MS = 2_000;

/**
 * All kinds of a cluster, read with two requests at the first question and again when a kind is not among them: it may have been defined meanwhile.
 * Where several versions offer a kind, the one that the server prefers comes first.
 */
export class KindCatalogue {
  private known: Promise<readonly OfferedKind[]> | undefined;
  private readAtMs = -Infinity;

  constructor(
    private readonly api: { request<T>(request: ApiRequest): Promise<T> },
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** The kind of a manifest; undefined where the server has none of that name. */
  ofManifest(apiVersion: string, kind: string): Promise<OfferedKind | undefined> {
    return this.find((offered) => offered.kind === kind && offered.apiVersion === apiVersion);
  }

  /** The kind that a word means, as kubectl reads it: singular, plural, short name or kind, perhaps with group or version and group. */
  ofWord(word: string): Promise<OfferedKind | undefined> {
    const [name = '', ...rest] = word.toLowerCase().split('.');
    const suffix = rest.join('.');
    return this.find(
      (offered) =>
        (offered.plural === name ||
          offered.singular === name ||
          offered.kind.toLowerCase() === name ||
          offered.shortNames.includes(name)) &&
        (suffix === '' || suffix === offered.group || suffix === versionAndGroup(offered)),
    );
  }

  private async find(matches: (offered: OfferedKind) => boolean): Promise<OfferedKind | undefined> {
    const found = (await this.offered()).find(matches);
    if (found !== undefined || this.nowMs() - this.readAtMs < MISS_PAUSE_MS) return found;
    this.known = undefined;
    return (await this.offered()).find(matches);
  }

  private offered(): Promise<readonly OfferedKind[]> {
    if (this.known !== undefined) return this.known;
    const reading = this.read();
    this.known = reading;
    reading.catch(() => {
      if (this.known === reading) this.known = undefined;
    });
    return reading;
  }

  private async read(): Promise<readonly OfferedKind[]> {
    const lists = await Promise.all(
      ['/api', '/apis'].map((path) => this.api.request<DiscoveryList>({ method: 'GET', path, accept: AGGREGATED })),
    );
    this.readAtMs = this.nowMs();
    return lists.flatMap(({ items }) => items.flatMap(kindsOfGroup));
  }
}

const versionAndGroup = ({ apiVersion, group }: OfferedKind): string => `${apiVersion.split('/').at(-1) ?? ''}.${group}`;

const kindsOfGroup = ({ metadata: { name: group = '' }, versions }: DiscoveryList['items'][number]): OfferedKind[] =>
  versions.flatMap(({ version, resources = [] }) =>
    resources.map(({ resource, responseKind, scope, singularResource, shortNames = [] }) => ({
      group,
      apiVersion: group === '' ? version : `${group}/${version}`,
      kind: responseKind?.kind ?? '',
      plural: resource,
      namespaced: scope === 'Namespaced',
      singular: singularResource ?? '',
      shortNames,
    })),
  );
