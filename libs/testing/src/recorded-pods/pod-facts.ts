import type { JsonValue, KubernetesObject } from '#libs/workflow-spec';

/** What is written in a pod, one line each: the place, by names instead of positions, and the value as JSON. */
type PodFacts = ReadonlyMap<string, string>;

/** One place at which two pods differ; absent where it has nothing there. */
export interface PodDifference {
  place: string;
  recorded: string | undefined;
  ours: string | undefined;
}

/** What differs from run to run is marked in recordings, as a value or inside of one. */
const VOLATILE = '"$volatile":true';
/** Lists in which the order says nothing; what tells their members apart. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  tolerations: ['key', 'effect'],
  hostAliases: ['ip'],
  ownerReferences: ['kind', 'name'],
};

/** A command behind Argo's executor or ours, cut into the wrapper and the program. */
const WRAPPERS: readonly ((words: readonly string[]) => number)[] = [
  (words) => (words[1] === 'emissary' ? words.indexOf('--') + 1 : 0),
  (words) => (words[2] === '/var/run/argo/run' ? 4 : 0),
];

/** What is written in the labels, annotations, owners and finalizers of a pod, and in its spec. */
export function podFacts({ metadata, spec }: { metadata: object; spec: KubernetesObject }): PodFacts {
  const facts = new Map<string, string>();
  const { labels, annotations, ownerReferences, finalizers } = metadata as Record<string, JsonValue>;
  collect(
    {
      labels: labels ?? {},
      annotations: annotations ?? {},
      ownerReferences: ownerReferences ?? [],
      finalizers: finalizers ?? [],
    },
    '',
    facts,
  );
  collect(spec, '', facts);
  return facts;
}

function collect(value: JsonValue, place: string, facts: Map<string, string>): void {
  if (value === null || typeof value !== 'object') return put(facts, place, JSON.stringify(value));
  if (Array.isArray(value)) return collectList(value, place, facts);
  if (value['$volatile'] === true) return put(facts, place, VOLATILE);
  for (const [field, inner] of Object.entries(value))
    collect(inner, place === '' ? field : `${place}/${field.replaceAll('/', '~')}`, facts);
}

function collectList(list: JsonValue[], place: string, facts: Map<string, string>): void {
  const field = place.slice(place.lastIndexOf('/') + 1);
  if (field === 'command') return collectCommand(list as string[], place, facts);
  const names = NAMES[field];
  if (names === undefined) return put(facts, place, JSON.stringify(list));
  for (const item of list) {
    const member = item as KubernetesObject;
    const name = names.map((key) => String((member[key] ?? '') as string).replaceAll('/', '~')).join(' ');
    const { [names[0] ?? '']: _name, ...rest } = member;
    const at = `${place}/${name}`;
    put(facts, at, '"there"');
    collect(rest, at, facts);
  }
}

function collectCommand(words: string[], place: string, facts: Map<string, string>): void {
  const cut = Math.max(...WRAPPERS.map((wrapper) => wrapper(words)));
  if (cut > 0) put(facts, `${place}/wrapper`, JSON.stringify(words.slice(0, cut)));
  if (cut < words.length) put(facts, `${place}/program`, JSON.stringify(words.slice(cut)));
}

/** What stands twice (Argo writes a variable of the executor twice) is there once. */
const put = (facts: Map<string, string>, place: string, value: string): void => void facts.set(place, value);

/** Where the pods differ, in order of places. */
export function podDifferences(recorded: PodFacts, ours: PodFacts): PodDifference[] {
  return [...new Set([...recorded.keys(), ...ours.keys()])].sort().flatMap((place) => {
    const [before, after] = [recorded.get(place), ours.get(place)];
    const isAlike = before === after || (before?.includes(VOLATILE) === true && after !== undefined);
    return isAlike ? [] : [{ place, recorded: before, ours: after }];
  });
}
